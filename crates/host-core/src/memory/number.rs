//! `Number`: the numbers that can be read from and written to a guest's memory, which is little-endian on every host.

/// A number in a guest's memory: the integers from `i8` to `u128`, `f32` and `f64`.
///
/// Always little-endian, as WebAssembly is, and at any address. A `v128` is a `u128`. The bits of a NaN are kept.
pub trait Number: sealed::Sealed + Copy + Send + Sync + 'static {}

pub(super) mod sealed {
    /// How a number lies in memory. Not for other crates: only these numbers have one form everywhere.
    pub trait Sealed {
        type Bytes: AsRef<[u8]> + AsMut<[u8]> + Default;

        fn from_bytes(bytes: Self::Bytes) -> Self;
        fn to_bytes(self) -> Self::Bytes;
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Number for $number {}

        impl sealed::Sealed for $number {
            type Bytes = [u8; size_of::<$number>()];

            #[inline]
            fn from_bytes(bytes: Self::Bytes) -> Self {
                <$number>::from_le_bytes(bytes)
            }

            #[inline]
            fn to_bytes(self) -> Self::Bytes {
                self.to_le_bytes()
            }
        }
    )*};
}

numbers!(i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64);
