//! Code is looked at before it is compiled: what it declares, and what of it is too much.
//!
//! Two kilobytes can ask for millions of instances, and a few megabytes for minutes of compiling. Reading them once is
//! enough to tell.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use host_limits::{Proposals, Rejected, StaticLimit, StaticLimits};
use wasmtime::{Engine, Module};

/// Components of which each instantiates the one before twice.
fn bomb() -> String {
    let level = |level: u32| {
        format!(
            "(component $c{} (alias outer 1 $c{level} (component $c))
               (instance (instantiate $c)) (instance (instantiate $c)))",
            level + 1
        )
    };
    let levels: String = (0..21).map(level).collect();
    format!("(component (component $c0) {levels} (instance (instantiate $c21)))")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::default();
    let limits = StaticLimits {
        proposals: Proposals::default().intersect(Proposals::of(&engine)),
        ..StaticLimits::untrusted()
    };

    let good = wat::parse_str(r#"(module (memory 1) (func (export "run")))"#)?;
    let shape = limits.check(&good)?;
    println!("good: {} function, {} of memory", shape.functions, shape.memory);
    assert_eq!((shape.functions, shape.instances), (1, 1));
    Module::from_binary(&engine, &good)?;

    for (name, text) in [("bomb", bomb()), ("shared", "(module (memory 1 1 shared))".to_owned())] {
        let refused = limits.check(&wat::parse_str(&text)?).expect_err("neither is to be compiled");
        println!("{name}: {refused}");
        let instances = matches!(refused, Rejected::Limit { limit: StaticLimit::Instances, .. });
        assert!(instances == (name == "bomb"));
    }
    Ok(())
}
