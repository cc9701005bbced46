//! Any access at any address of a guest's memory: never a panic, and right about what is inside.

use arbitrary::{Arbitrary, Unstructured};
use host_core::{MemoryAccess, MemoryError};
use wasmtime::{Config, Engine, Memory, MemoryType, Store};

#[derive(Arbitrary, Debug)]
enum Access {
    Read { address: Address, length: Length },
    Text { address: Address, length: Length },
    LossyText { address: Address, length: Length },
    Terminated { address: Address, most: Length },
    Number32 { address: Address },
    Number64 { address: Address },
    Slice { address: Address, count: Length },
    Write { address: Address, bytes: Vec<u8> },
    WriteNumber { address: Address, number: u64 },
}

/// Near the edges more often than chance would have it.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Address {
    Low(u16),
    Edge(i8),
    Any(u64),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Length {
    Short(u8),
    Edge(i8),
    Any(u64),
}

const SIZE: u64 = 65_536;

impl Address {
    fn get(self) -> u64 {
        match self {
            Address::Low(address) => address.into(),
            Address::Edge(offset) => SIZE.wrapping_add_signed(offset.into()),
            Address::Any(address) => address,
        }
    }
}

impl Length {
    fn get(self) -> u64 {
        match self {
            Length::Short(length) => length.into(),
            Length::Edge(offset) => SIZE.wrapping_add_signed(offset.into()),
            Length::Any(length) => length,
        }
    }
}

/// Whether the input was of any use.
pub(crate) fn run(input: &[u8]) -> bool {
    let mut input = Unstructured::new(input);
    let Ok(wide) = bool::arbitrary(&mut input) else { return false };
    let engine = Engine::new(Config::new().wasm_memory64(true)).unwrap();
    let mut store = Store::new(&engine, ());
    let ty = if wide { MemoryType::new64(1, Some(1)) } else { MemoryType::new(1, Some(1)) };
    let memory = Memory::new(&mut store, ty).unwrap();
    let mut done = 0;
    while let Ok(access) = Access::arbitrary(&mut input)
        && !input.is_empty()
    {
        check(&mut store, memory, access);
        done += 1;
    }
    done > 0
}

fn inside(address: u64, length: u64) -> bool {
    address.checked_add(length).is_some_and(|end| end <= SIZE)
}

fn check(store: &mut Store<()>, memory: Memory, access: Access) {
    match access {
        Access::Read { address, length } => {
            let (address, length) = (address.get(), length.get());
            let read = memory.read_bytes(&*store, address, length);
            assert_eq!(read.is_ok(), inside(address, length), "{address} {length}");
        }
        Access::Text { address, length } => {
            let (address, length) = (address.get(), length.get());
            let bytes = memory.read_bytes(&*store, address, length).map(<[u8]>::to_vec);
            let text = memory.read_utf8(&*store, address, length);
            assert_eq!(text.is_ok(), bytes.is_ok_and(|bytes| std::str::from_utf8(&bytes).is_ok()));
        }
        Access::LossyText { address, length } => {
            let (address, length) = (address.get(), length.get());
            assert_eq!(memory.read_utf8_lossy(&*store, address, length).is_ok(), inside(address, length));
        }
        Access::Terminated { address, most } => {
            let (address, most) = (address.get(), most.get());
            match memory.read_nul_terminated(&*store, address, most) {
                Ok(text) => assert!(!text.contains(&0) && text.len() as u64 <= most),
                Err(error) => assert!(!matches!(error, MemoryError::Utf8 { .. }), "{error}"),
            }
        }
        Access::Number32 { address } => {
            let address = address.get();
            let number = memory.read_number::<u32>(&*store, address);
            assert_eq!(number.is_ok(), inside(address, 4), "{address}");
        }
        Access::Number64 { address } => {
            let address = address.get();
            let number = memory.read_number::<u64>(&*store, address);
            assert_eq!(number.is_ok(), inside(address, 8), "{address}");
        }
        Access::Slice { address, count } => {
            let (address, count) = (address.get(), count.get());
            let fits = count.checked_mul(4).is_some_and(|length| inside(address, length));
            assert_eq!(
                memory.read_slice::<[u8; 4]>(&*store, address, count).is_ok(),
                fits,
                "{address} {count}"
            );
        }
        Access::Write { address, bytes } => {
            let address = address.get();
            let written = memory.write_bytes(&mut *store, address, &bytes);
            assert_eq!(written.is_ok(), inside(address, bytes.len() as u64));
            if written.is_ok() {
                assert_eq!(memory.read_bytes(&*store, address, bytes.len() as u64).unwrap(), bytes);
            }
        }
        Access::WriteNumber { address, number } => {
            let address = address.get();
            if memory.write_number(&mut *store, address, number).is_ok() {
                assert_eq!(memory.read_number::<u64>(&*store, address).unwrap(), number);
            }
        }
    }
}
