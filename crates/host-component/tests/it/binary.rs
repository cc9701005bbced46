//! What the bytes of a component say: sizes, what is nested, who made it; and its world as WIT.

use host_component::inspect::{BinaryError, NestedKind, binary};

fn greeter() -> Vec<u8> {
    fixtures::bytes("plugins/greeter")
}

/// A section: its number, its length, its contents.
fn section(id: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![id];
    let mut length = contents.len();
    loop {
        let (low, rest) = ((length & 0x7f) as u8, length >> 7);
        bytes.push(if rest > 0 { low | 0x80 } else { low });
        length = rest;
        if rest == 0 {
            break;
        }
    }
    bytes.extend(contents);
    bytes
}

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn sizes_of_the_parts_are_the_size_of_the_whole() {
    let bytes = greeter();
    let described = binary(&bytes).unwrap();
    let parts = described.parts;
    assert_eq!(described.bytes, bytes.len() as u64);
    assert_eq!(parts.code + parts.data + parts.custom + parts.component + parts.other, described.bytes);
    assert!(parts.code > described.bytes / 4 && parts.data > 0 && parts.component > 0, "{described:#?}");
    // Headers, types and imports are small.
    assert!(parts.other < described.bytes / 10, "{described:#?}");
    let custom: u64 = described.custom_sections.iter().map(|section| section.bytes).sum();
    assert_eq!(custom, parts.custom);
}

#[test]
fn a_real_plugin_says_what_is_in_it_and_who_made_it() {
    let described = binary(&greeter()).unwrap();
    let largest = described.nested.iter().max_by_key(|nested| nested.bytes).unwrap();
    assert_eq!((largest.kind, largest.depth), (NestedKind::Module, 1));
    let whole = greeter();
    let start = largest.offset as usize;
    assert!(whole[start..].starts_with(b"\0asm\x01\0\0\0"));
    wasmparser::validate(&whole[start..start + largest.bytes as usize]).unwrap();
    let producers: Vec<String> = described.producers.iter().map(ToString::to_string).collect();
    for part in ["language: Rust", "processed-by: rustc 1.", "processed-by: wit-component "] {
        assert!(producers.iter().any(|producer| producer.starts_with(part)), "{part} of {producers:#?}");
    }
    let text = described.to_string();
    for part in ["size: ", "  code\n", "inside:\n", "core module", "producers:\n  "] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let json = serde_json::to_value(&described).unwrap();
    assert_eq!(json["nested"][0]["kind"], "module");
    assert_eq!(json["parts"]["code"], described.parts.code);
}

#[test]
fn names_and_depths_of_what_is_nested() {
    let text = r#"(component $whole
        (core module $m)
        (component $inner (core module $deep (func)) (component $innermost))
        (core module $last))"#;
    let described = binary(&wat(text)).unwrap();
    let nested: Vec<_> = described
        .nested
        .iter()
        .map(|nested| (nested.kind, nested.name.as_deref().unwrap_or_default(), nested.depth))
        .collect();
    assert_eq!(described.name.as_deref(), Some("whole"));
    assert_eq!(
        nested,
        [
            (NestedKind::Module, "m", 1),
            (NestedKind::Component, "inner", 1),
            (NestedKind::Module, "deep", 2),
            (NestedKind::Component, "innermost", 2),
            (NestedKind::Module, "last", 1),
        ]
    );
}

/// The bytes of a component written as text.
fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn what_is_no_component_is_told_with_the_place() {
    assert_eq!(binary(b"\0asm\x01\0\0\0"), Err(BinaryError::CoreModule));
    assert!(matches!(binary(b""), Err(BinaryError::Malformed { offset: 0, .. })));
    assert!(matches!(binary(b"<html></html>"), Err(BinaryError::Malformed { offset: 0, .. })));
    let bytes = greeter();
    for length in [7, 9, bytes.len() / 2, bytes.len() - 1] {
        let Err(BinaryError::Malformed { offset, .. }) = binary(&bytes[..length]) else {
            panic!("{length} bytes are well-formed");
        };
        assert!(offset <= length as u64, "{offset} of {length}");
    }
}

#[test]
fn hostile_bytes_make_no_large_description() {
    // A million custom sections with a name of one byte; the last one has a name of 200 KB.
    let mut many = COMPONENT.to_vec();
    for _ in 0..1_000_000 {
        many.extend([0, 2, 1, b'x']);
    }
    let name = "n".repeat(90_000);
    let mut long = vec![0x90, 0xbf, 0x05];
    long.extend(name.as_bytes());
    many.extend(section(0, &long));
    // Ten thousand components, each inside the one before.
    let mut deep = COMPONENT.to_vec();
    for _ in 0..10_000 {
        deep = [COMPONENT, &section(4, &deep)].concat();
    }
    // And as many beside each other.
    let wide = [COMPONENT.to_vec(), section(4, COMPONENT).repeat(100_000)].concat();
    for bytes in [many, deep, wide] {
        let described = binary(&bytes).unwrap();
        assert!(described.cut);
        assert!(serde_json::to_string(&described).unwrap().len() < 1 << 20);
        assert!(described.to_string().len() < 1 << 18);
        let parts = described.parts;
        assert_eq!(parts.custom + parts.component + parts.other, bytes.len() as u64);
    }
}

/// Bytes of a real plugin with up to eight of them changed, the same in every run.
fn damaged(tries: usize) -> impl Iterator<Item = Vec<u8>> {
    let whole = greeter();
    let mut state = 1_u64;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    (0..tries).map(move |_| {
        let mut bytes = whole.clone();
        for _ in 0..=next(8) {
            let at = next(bytes.len());
            bytes[at] = next(256) as u8;
        }
        bytes
    })
}

#[test]
fn damaged_bytes_are_described_or_refused() {
    let mut refused = 0;
    for bytes in damaged(2_000) {
        match binary(&bytes) {
            Ok(described) => assert_eq!(described.bytes, bytes.len() as u64),
            Err(BinaryError::Malformed { offset, .. }) => {
                refused += 1;
                assert!(offset <= bytes.len() as u64);
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!((1..2_000).contains(&refused), "{refused} were refused");
}

#[test]
fn names_cannot_drive_the_terminal() {
    let mut name = vec![4];
    name.extend(b"\x1b[2J");
    let bytes = [COMPONENT, &section(0, &name)].concat();
    assert!(binary(&bytes).unwrap().to_string().contains("\\u{1b}[2J"));
}

#[cfg(feature = "wit")]
mod text {
    use host_component::World;
    use host_component::doctor::Doctor;
    use host_component::inspect::{WitTextError, wit_text};
    use wasmtime::Engine;
    use wasmtime::component::Component;

    use super::*;

    #[test]
    fn the_text_is_the_world_of_the_component() {
        let engine = Engine::default();
        for name in ["plugins/greeter", "p2-command"] {
            let bytes = fixtures::bytes(name);
            let text = wit_text(&bytes).unwrap();
            let world = World::parse(&engine, &text, Some("root")).unwrap();
            let component = Component::from_binary(&engine, &bytes).unwrap();
            // It covers the component, and the component covers it.
            Doctor::new().world(world.clone()).check_world(&component).unwrap();
            Doctor::new().world(World::of(&component)).check_world(world.component()).unwrap();
        }
        let text = wit_text(&greeter()).unwrap();
        assert!(text.contains("export my-org:my-plugin/plugin-api@0.1.0;"), "{text}");
    }

    #[test]
    fn damaged_bytes_have_text_or_are_refused() {
        // Most changes are in the code, which has no say in the text; those make it invalid.
        let texts = damaged(200).filter(|bytes| wit_text(bytes).is_ok()).count();
        assert!((1..200).contains(&texts), "{texts} have a text");
    }

    #[test]
    fn what_has_no_text_is_told_so() {
        assert_eq!(wit_text(b"\0asm\x01\0\0\0"), Err(WitTextError::CoreModule));
        assert!(matches!(wit_text(b"\0asm"), Err(WitTextError::Invalid { .. })));
        let module = wat("(component (import \"m\" (core module)))");
        assert!(matches!(wit_text(&module), Err(WitTextError::NoWit { .. })), "{:?}", wit_text(&module));
    }

    #[test]
    fn types_that_are_huge_when_spelled_out_are_refused() {
        let mut text = String::from("(component (import \"a:b/c\" (instance (type $t0 (tuple u8 u8))\n");
        for level in 1..14 {
            text.push_str(&format!("(type $t{level} (tuple $t{0} $t{0}))\n", level - 1));
        }
        for function in 0..20 {
            text.push_str(&format!("(export \"f{function}\" (func (param \"x\" $t13)))\n"));
        }
        text.push_str(")))");
        let refused = wit_text(&wat(&text));
        assert!(matches!(refused, Err(WitTextError::TooLarge { .. })), "{refused:?}");
    }
}
