//! Numbers, texts, lists, options and results.

use super::{Layout, Lift, Lower, Reader, Result, Slots, Writer, variant_layout};
use crate::unchecked::text::utf8;

macro_rules! number {
    ($($type:ident $lift:ident),*) => { $(
        impl Layout for $type {
            const SIZE: u32 = $type::BITS / 8;
            const ALIGN: u32 = $type::BITS / 8;
            const FLAT: usize = 1;
        }

        impl Lift for $type {
            #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "the upper bits of a smaller value mean nothing")]
            #[allow(clippy::cast_lossless, trivial_numeric_casts, reason = "one text for all numbers")]
            fn lift(slots: &mut Slots<'_>, _: &mut Reader<'_>) -> Result<Self> {
                slots.$lift().map(|value| value as Self)
            }

            fn load(from: &mut Reader<'_>, at: u32) -> Result<Self> {
                from.array(at).map(Self::from_le_bytes)
            }
        }

        impl Lower for $type {
            #[allow(clippy::cast_sign_loss, clippy::cast_lossless, trivial_numeric_casts, reason = "one text for all numbers")]
            fn flat(&self) -> u64 {
                *self as u64
            }

            fn store(&self, to: &mut impl Writer, at: u32) -> Result<()> {
                to.write(at, &self.to_le_bytes())
            }
        }
    )* };
}

number!(u16 u32, u32 u32, u64 u64, i64 u64);

impl Layout for u8 {
    const SIZE: u32 = 1;
    const ALIGN: u32 = 1;
    const FLAT: usize = 1;
}

impl Lift for u8 {
    #[allow(clippy::cast_possible_truncation, reason = "the upper bits of a smaller value mean nothing")]
    fn lift(slots: &mut Slots<'_>, _: &mut Reader<'_>) -> Result<Self> {
        slots.u32().map(|value| value as Self)
    }

    fn load(from: &mut Reader<'_>, at: u32) -> Result<Self> {
        from.u8(at)
    }

    fn load_list(from: &mut Reader<'_>, at: u32, length: u32) -> Result<Vec<Self>> {
        from.copied(at, length)
    }
}

impl Lower for u8 {
    fn flat(&self) -> u64 {
        (*self).into()
    }

    fn store(&self, to: &mut impl Writer, at: u32) -> Result<()> {
        to.write(at, &[*self])
    }

    fn store_list(items: &[Self], to: &mut impl Writer, at: u32) -> Result<()> {
        to.write(at, items)
    }
}

impl Layout for f64 {
    const SIZE: u32 = 8;
    const ALIGN: u32 = 8;
    const FLAT: usize = 1;
}

impl Lift for f64 {
    fn lift(slots: &mut Slots<'_>, _: &mut Reader<'_>) -> Result<Self> {
        slots.u64().map(Self::from_bits)
    }

    fn load(from: &mut Reader<'_>, at: u32) -> Result<Self> {
        from.array(at).map(Self::from_le_bytes)
    }
}

impl Lower for f64 {
    fn flat(&self) -> u64 {
        self.to_bits()
    }

    fn store(&self, to: &mut impl Writer, at: u32) -> Result<()> {
        to.write(at, &self.to_le_bytes())
    }
}

impl Layout for bool {
    const SIZE: u32 = 1;
    const ALIGN: u32 = 1;
    const FLAT: usize = 1;
}

impl Lift for bool {
    fn lift(slots: &mut Slots<'_>, _: &mut Reader<'_>) -> Result<Self> {
        slots.u32().map(|value| value != 0)
    }

    fn load(from: &mut Reader<'_>, at: u32) -> Result<Self> {
        from.u8(at).map(|value| value != 0)
    }
}

impl Lower for bool {
    fn flat(&self) -> u64 {
        (*self).into()
    }

    fn store(&self, to: &mut impl Writer, at: u32) -> Result<()> {
        to.write(at, &[(*self).into()])
    }
}

impl Layout for () {
    const SIZE: u32 = 0;
    const ALIGN: u32 = 1;
    const FLAT: usize = 0;
}

impl Lift for () {
    fn lift(_: &mut Slots<'_>, _: &mut Reader<'_>) -> Result<Self> {
        Ok(())
    }

    fn load(_: &mut Reader<'_>, _: u32) -> Result<Self> {
        Ok(())
    }
}

impl Lower for () {
    fn store(&self, _: &mut impl Writer, _: u32) -> Result<()> {
        Ok(())
    }
}

impl Layout for String {
    const SIZE: u32 = 8;
    const ALIGN: u32 = 4;
    const FLAT: usize = 2;
}

impl Lift for String {
    fn lift(slots: &mut Slots<'_>, from: &mut Reader<'_>) -> Result<Self> {
        slots.text(from).map(str::to_owned)
    }

    fn load(from: &mut Reader<'_>, at: u32) -> Result<Self> {
        let (at, length) = from.extent(at)?;
        text(from, at, length).map(str::to_owned)
    }
}

pub(super) fn text<'a>(from: &mut Reader<'a>, at: u32, length: u32) -> Result<&'a str> {
    let bytes = from.list(at, length, (1, 1))?;
    Ok(utf8(bytes)?)
}

impl Lower for String {
    fn store(&self, to: &mut impl Writer, at: u32) -> Result<()> {
        store_list(self.as_bytes(), to, at)
    }
}

impl<T> Layout for Vec<T> {
    const SIZE: u32 = 8;
    const ALIGN: u32 = 4;
    const FLAT: usize = 2;
}

impl<T: Lift> Lift for Vec<T> {
    fn lift(slots: &mut Slots<'_>, from: &mut Reader<'_>) -> Result<Self> {
        list(from, slots.u32()?, slots.u32()?)
    }

    fn bytes_ahead(slots: &mut Slots<'_>) -> Result<usize> {
        let (_, length) = (slots.u32()?, slots.u32()?);
        Ok(if T::SIZE == 1 { length as usize } else { 0 })
    }

    fn load(from: &mut Reader<'_>, at: u32) -> Result<Self> {
        let (at, length) = from.extent(at)?;
        list(from, at, length)
    }
}

fn list<T: Lift>(from: &mut Reader<'_>, at: u32, length: u32) -> Result<Vec<T>> {
    from.list(at, length, (T::SIZE, T::ALIGN))?;
    T::load_list(from, at, length)
}

impl<T: Lower> Lower for Vec<T> {
    fn store(&self, to: &mut impl Writer, at: u32) -> Result<()> {
        store_list(self, to, at)
    }
}

fn store_list<T: Lower>(items: &[T], to: &mut impl Writer, at: u32) -> Result<()> {
    let room = to.allocate(size_of_list(items), T::ALIGN)?;
    T::store_list(items, to, room)?;
    to.write(at, &room.to_le_bytes())?;
    to.write(at + 4, &length(items)?.to_le_bytes())
}

/// In the guest's memory.
pub(crate) fn size_of_list<T: Layout>(items: &[T]) -> usize {
    items.len().saturating_mul(T::SIZE as usize)
}

pub(crate) fn length<T>(items: &[T]) -> Result<u32> {
    u32::try_from(items.len()).map_err(|_| wasmtime::Error::msg("too long for a plugin's memory"))
}

impl<T: Layout> Layout for Option<T> {
    const SIZE: u32 = variant_layout(&[(0, 1, 0), (T::SIZE, T::ALIGN, T::FLAT)]).0;
    const ALIGN: u32 = variant_layout(&[(0, 1, 0), (T::SIZE, T::ALIGN, T::FLAT)]).1;
    const FLAT: usize = variant_layout(&[(0, 1, 0), (T::SIZE, T::ALIGN, T::FLAT)]).3;
}

impl<T: Lift> Lift for Option<T> {
    fn lift(slots: &mut Slots<'_>, from: &mut Reader<'_>) -> Result<Self> {
        let case = slots.u32()?;
        let mut content = slots.split(T::FLAT)?;
        match case {
            0 => Ok(None),
            1 => T::lift(&mut content, from).map(Some),
            case => Err(super::memory::no_such_case(case)),
        }
    }

    fn load(from: &mut Reader<'_>, at: u32) -> Result<Self> {
        match from.u8(at)? {
            0 => Ok(None),
            1 => T::load(from, at + variant_layout(&[(T::SIZE, T::ALIGN, 0)]).2).map(Some),
            case => Err(super::memory::no_such_case(case.into())),
        }
    }
}

impl<T: Lower> Lower for Option<T> {
    fn store(&self, to: &mut impl Writer, at: u32) -> Result<()> {
        to.write(at, &[self.is_some().into()])?;
        match self {
            Some(value) => value.store(to, at + variant_layout(&[(T::SIZE, T::ALIGN, 0)]).2),
            None => Ok(()),
        }
    }
}

impl<T: Layout, E: Layout> Layout for std::result::Result<T, E> {
    const SIZE: u32 = variant_layout(&[(T::SIZE, T::ALIGN, T::FLAT), (E::SIZE, E::ALIGN, E::FLAT)]).0;
    const ALIGN: u32 = variant_layout(&[(T::SIZE, T::ALIGN, T::FLAT), (E::SIZE, E::ALIGN, E::FLAT)]).1;
    const FLAT: usize = variant_layout(&[(T::SIZE, T::ALIGN, T::FLAT), (E::SIZE, E::ALIGN, E::FLAT)]).3;
}

impl<T: Lift, E: Lift> Lift for std::result::Result<T, E> {
    fn lift(slots: &mut Slots<'_>, from: &mut Reader<'_>) -> Result<Self> {
        let case = slots.u32()?;
        let mut content = slots.split(Self::FLAT - 1)?;
        match case {
            0 => T::lift(&mut content, from).map(Ok),
            1 => E::lift(&mut content, from).map(Err),
            case => Err(super::memory::no_such_case(case)),
        }
    }

    fn load(from: &mut Reader<'_>, at: u32) -> Result<Self> {
        let content = at + variant_layout(&[(T::SIZE, T::ALIGN, 0), (E::SIZE, E::ALIGN, 0)]).2;
        match from.u8(at)? {
            0 => T::load(from, content).map(Ok),
            1 => E::load(from, content).map(Err),
            case => Err(super::memory::no_such_case(case.into())),
        }
    }
}

impl<T: Lower, E: Lower> Lower for std::result::Result<T, E> {
    fn store(&self, to: &mut impl Writer, at: u32) -> Result<()> {
        let content = at + variant_layout(&[(T::SIZE, T::ALIGN, 0), (E::SIZE, E::ALIGN, 0)]).2;
        to.write(at, &[self.is_err().into()])?;
        match self {
            Ok(value) => value.store(to, content),
            Err(error) => error.store(to, content),
        }
    }
}

/// What is large and seldom there, and lies in the guest's memory as if there were no box.
impl<T: Layout> Layout for Box<T> {
    const SIZE: u32 = T::SIZE;
    const ALIGN: u32 = T::ALIGN;
    const FLAT: usize = T::FLAT;
}

impl<T: Lift> Lift for Box<T> {
    fn lift(slots: &mut Slots<'_>, from: &mut Reader<'_>) -> Result<Self> {
        T::lift(slots, from).map(Self::new)
    }

    fn load(from: &mut Reader<'_>, at: u32) -> Result<Self> {
        T::load(from, at).map(Self::new)
    }
}

impl<T: Lower> Lower for Box<T> {
    fn store(&self, to: &mut impl Writer, at: u32) -> Result<()> {
        T::store(self, to, at)
    }
}
