//! Which proposal an instruction belongs to, and what stands in it.

use wasmparser::{
    BlockType, BrTable, HeapType, Ieee32, Ieee64, MemArg, Ordering, RefType, ResumeTable, TryTable, V128,
    ValType, VisitOperator, VisitSimdOperator,
};

use super::types::{of_heap_type, of_ref_type, of_value_type};
use super::{Proposal, Proposals};

/// Collects the proposals of the instructions that it visits.
pub(crate) struct Collect(pub(crate) Proposals);

/// The proposals of a group, as the parser names it.
macro_rules! group {
    (mvp) => {
        Proposals::none()
    };
    (sign_extension) => {
        group!(= SignExtension)
    };
    (saturating_float_to_int) => {
        group!(= SaturatingFloatToInt)
    };
    (bulk_memory) => {
        group!(= BulkMemory)
    };
    (reference_types) => {
        group!(= ReferenceTypes)
    };
    (simd) => {
        group!(= Simd)
    };
    (relaxed_simd) => {
        group!(= RelaxedSimd)
    };
    (tail_call) => {
        group!(= TailCall)
    };
    (threads) => {
        group!(= Threads)
    };
    (function_references) => {
        group!(= FunctionReferences)
    };
    (gc) => {
        group!(= Gc)
    };
    (exceptions) => {
        group!(= Exceptions)
    };
    (legacy_exceptions) => {
        group!(= LegacyExceptions)
    };
    (stack_switching) => {
        group!(= StackSwitching)
    };
    (wide_arithmetic) => {
        group!(= WideArithmetic)
    };
    (memory_control) => {
        group!(= MemoryControl)
    };
    (shared_everything_threads) => {
        group!(= SharedEverythingThreads)
    };
    (custom_descriptors) => {
        group!(= CustomDescriptors)
    };
    (= $proposal:ident) => {
        const {
            let mut proposals = Proposals::none();
            proposals.insert(Proposal::$proposal);
            proposals
        }
    };
}

// The parser lists all instructions that it knows, so none can be forgotten; a group that is new does not compile.
macro_rules! visit {
    ($(@$group:ident $op:ident $({ $($arg:ident: $type:ty),* })? => $visit:ident ($($rest:tt)*))*) => {
        $(
            fn $visit(&mut self $($(, $arg: $type)*)?) {
                self.0 = self.0.join(group!($group));
                $($(self.0 = self.0.join(Operand::proposals(&$arg));)*)?
            }
        )*
    };
}

impl<'a> VisitOperator<'a> for Collect {
    type Output = ();

    fn simd_visitor(&mut self) -> Option<&mut dyn VisitSimdOperator<'a, Output = ()>> {
        Some(self)
    }

    wasmparser::for_each_visit_operator!(visit);
}

impl VisitSimdOperator<'_> for Collect {
    wasmparser::for_each_visit_simd_operator!(visit);
}

/// What stands in an instruction.
trait Operand {
    /// The proposals without which it would not stand there.
    fn proposals(&self) -> Proposals {
        Proposals::none()
    }
}

impl Operand for BlockType {
    fn proposals(&self) -> Proposals {
        match self {
            BlockType::Empty => Proposals::none(),
            BlockType::Type(ty) => of_value_type(*ty),
            BlockType::FuncType(_) => Proposal::MultiValue.into(),
        }
    }
}

impl Operand for TryTable {
    fn proposals(&self) -> Proposals {
        self.ty.proposals()
    }
}

impl Operand for ValType {
    fn proposals(&self) -> Proposals {
        of_value_type(*self)
    }
}

impl Operand for Vec<ValType> {
    fn proposals(&self) -> Proposals {
        self.iter().fold(Proposals::none(), |found, ty| found.join(of_value_type(*ty)))
    }
}

impl Operand for RefType {
    fn proposals(&self) -> Proposals {
        of_ref_type(*self)
    }
}

impl Operand for HeapType {
    fn proposals(&self) -> Proposals {
        of_heap_type(*self)
    }
}

macro_rules! without_proposals {
    ($($type:ty),*) => {
        $(impl Operand for $type {})*
    };
}

// That a memory or a table other than the first is meant shows in their number.
without_proposals!(
    u8,
    u32,
    i32,
    i64,
    Ieee32,
    Ieee64,
    V128,
    [u8; 16],
    MemArg,
    Ordering,
    BrTable<'_>,
    ResumeTable
);
