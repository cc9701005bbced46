//! Any address, any length, any bytes: memory answers as an array does that is never indexed outside, and nothing panics.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Debug;

use host_core::{MemoryAccess, MemoryError, Number};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use wasmtime::{Memory, MemoryType, MemoryTypeBuilder, Store};
use zerocopy::{FromBytes, Immutable, IntoBytes};

const SIZE: u64 = 65_536;

/// Mostly near what could go wrong: the end of the memory, the end of 32 bits, the end of 64 bits.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..32u64,
        0..=SIZE,
        SIZE - 64..=SIZE + 64,
        u64::from(u32::MAX) - 32..=u64::from(u32::MAX) + SIZE + 32,
        u64::MAX - 64..=u64::MAX,
        any::<u64>(),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Write(u64, Vec<u8>),
    Bytes(u64, u64),
    Text(u64, u64),
    UntilNul(u64, u64),
    Numbers(u64, u128),
    Structs(u64, u64, Pair),
}

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Pair {
    first: [u8; 5],
    second: [u8; 2],
}

fn step() -> impl Strategy<Value = Step> {
    let text = prop_oneof![vec(any::<u8>(), 0..40), "\\PC{0,20}".prop_map(String::into_bytes)];
    let pair = any::<([u8; 5], [u8; 2])>().prop_map(|(first, second)| Pair { first, second });
    prop_oneof![
        (number(), text).prop_map(|(address, bytes)| Step::Write(address, bytes)),
        (number(), number()).prop_map(|(address, length)| Step::Bytes(address, length)),
        (number(), number()).prop_map(|(address, length)| Step::Text(address, length)),
        (number(), number()).prop_map(|(address, at_most)| Step::UntilNul(address, at_most)),
        (number(), any::<u128>()).prop_map(|(address, number)| Step::Numbers(address, number)),
        (number(), number(), pair).prop_map(|(address, count, pair)| Step::Structs(address, count, pair)),
    ]
}

/// A guest's memory, and the same as a plain array.
struct Both {
    store: Store<()>,
    memory: Memory,
    array: Vec<u8>,
}

impl Both {
    fn new(ty: MemoryType) -> Both {
        let mut store = Store::default();
        let memory = Memory::new(&mut store, ty).unwrap();
        Both { store, memory, array: vec![0; SIZE as usize] }
    }

    /// What the array has there, or the error that memory must give.
    fn slice(&mut self, address: u64, length: u128) -> Result<&mut [u8], MemoryError> {
        let end = u128::from(address) + length;
        if end > u128::from(SIZE) {
            let length = u64::try_from(length).unwrap_or(u64::MAX);
            return Err(MemoryError::OutOfBounds { address, length, size: SIZE });
        }
        Ok(&mut self.array[address as usize..end as usize])
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), MemoryError> {
        self.slice(address, bytes.len() as u128).map(|slice| slice.copy_from_slice(bytes))
    }

    fn number<N: Number + Debug>(&mut self, address: u64, number: N, bytes: &[u8]) {
        let written = self.memory.write_number(&mut self.store, address, number);
        assert_eq!(written, self.write(address, bytes));
        let read = self.memory.read_number::<N>(&self.store, address).map(|number| format!("{number:?}"));
        assert_eq!(read, written.map(|()| format!("{number:?}")));
    }

    fn take(&mut self, step: Step) {
        let memory = self.memory;
        match step {
            Step::Write(address, bytes) => {
                let written = memory.write_bytes(&mut self.store, address, &bytes);
                assert_eq!(written, self.write(address, &bytes));
            }
            Step::Bytes(address, length) => {
                let read = memory.read_bytes(&self.store, address, length).map(<[u8]>::to_vec);
                assert_eq!(read, self.slice(address, length.into()).map(|slice| slice.to_vec()));
            }
            Step::Text(address, length) => {
                let strict = memory.read_utf8(&self.store, address, length).map(str::to_owned);
                let lossy = memory.read_utf8_lossy(&self.store, address, length).map(Cow::into_owned);
                let bytes = self.slice(address, length.into());
                let bytes = bytes.map(|slice| slice.to_vec());
                assert_eq!(lossy, bytes.clone().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
                match bytes.map(String::from_utf8) {
                    Ok(Ok(text)) => assert_eq!(strict, Ok(text)),
                    Ok(Err(error)) => {
                        assert_eq!(strict, Err(MemoryError::Utf8 { address, source: error.utf8_error() }));
                    }
                    Err(error) => assert_eq!(strict, Err(error)),
                }
            }
            Step::UntilNul(address, at_most) => {
                let read = memory.read_nul_terminated(&self.store, address, at_most).map(<[u8]>::to_vec);
                let text = memory.read_nul_terminated_utf8(&self.store, address, at_most);
                assert!(!matches!((&read, text), (Ok(bytes), Ok(text)) if bytes != text.as_bytes()));
                if address >= SIZE {
                    assert_eq!(read, Err(MemoryError::OutOfBounds { address, length: 1, size: SIZE }));
                    return;
                }
                let looked_at = at_most.min(SIZE - address);
                let looked = &self.array[address as usize..(address + looked_at) as usize];
                match looked.iter().position(|byte| *byte == 0) {
                    Some(end) => assert_eq!(read, Ok(looked[..end].to_vec())),
                    None => assert_eq!(read, Err(MemoryError::NoNul { address, looked_at })),
                }
            }
            Step::Numbers(address, number) => {
                let bytes = number.to_le_bytes();
                self.number(address, number as u8, &bytes[..1]);
                self.number(address, number as i16, &bytes[..2]);
                self.number(address, f32::from_bits(number as u32), &bytes[..4]);
                self.number(address, number as u64, &bytes[..8]);
                self.number(address, number as i128, &bytes);
            }
            Step::Structs(address, count, pair) => {
                let written = memory.write_struct(&mut self.store, address, &pair);
                assert_eq!(written, self.write(address, pair.as_bytes()));
                assert_eq!(memory.read_struct::<Pair>(&self.store, address), written.map(|()| pair));
                let written = memory.write_slice(&mut self.store, address, &[pair; 3]);
                assert_eq!(written, self.write(address, [pair; 3].as_bytes()));
                let read = memory.read_slice::<Pair>(&self.store, address, count);
                let read = read.map(|pairs| pairs.as_bytes().to_vec());
                let slice = self.slice(address, u128::from(count) * 7);
                assert_eq!(read, slice.map(|slice| slice.to_vec()));
            }
        }
    }
}

fn every_step_agrees(ty: MemoryType) {
    let both = RefCell::new(Both::new(ty));
    let config = ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&step(), |step| {
            both.borrow_mut().take(step);
            Ok(())
        })
        .unwrap();
    let Both { store, memory, array } = both.into_inner();
    assert!(memory.data(&store) == array);
    assert!(array.iter().any(|byte| *byte != 0), "some writes fit");
}

#[test]
fn every_access_is_answered_as_an_array_would() {
    every_step_agrees(MemoryType::new(1, None));
}

#[test]
fn every_access_to_a_memory_of_64_bits_is_answered_as_an_array_would() {
    every_step_agrees(MemoryTypeBuilder::default().memory64(true).min(1).build().unwrap());
}
