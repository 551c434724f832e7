//! How values of the interface cross into a guest's memory and back: the canonical ABI of the component
//! model (<https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md>), as far as
//! the interface uses it.
//!
//! wasmtime has all of this too, for components whose types it learns when it loads them. Here the types are
//! those of `wit/`, known when the gateway is built, and a hop costs a third less (docs/performance.md). Types
//! of their own kinds are in `values`, those of `wit/` in `bindings`, which the build writes.

pub(crate) mod bindings;
mod memory;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use memory::{MUCH, Placed, Planned, Reader, Writer, check_room, write};

use wasmtime::ValRaw;

type Result<T> = wasmtime::Result<T>;

/// How much room a type takes.
pub(crate) trait Layout {
    /// Bytes in memory.
    const SIZE: u32;
    /// What its address is a multiple of.
    const ALIGN: u32;
    /// Core values, where it is passed as such.
    const FLAT: usize;
}

/// A value that a guest gives.
pub(crate) trait Lift: Layout + Sized {
    /// From core values.
    fn lift(slots: &mut Slots<'_>, from: &mut Reader<'_>) -> Result<Self>;

    /// Bytes of a list of them, if this is one; the rest is passed over.
    fn bytes_ahead(slots: &mut Slots<'_>) -> Result<usize> {
        slots.split(Self::FLAT).map(|_| 0)
    }

    /// From memory; `at` is aligned.
    fn load(from: &mut Reader<'_>, at: u32) -> Result<Self>;

    /// The items of a list, which are in bounds.
    fn load_list(from: &mut Reader<'_>, at: u32, length: u32) -> Result<Vec<Self>> {
        (0..length).map(|item| Self::load(from, at + item * Self::SIZE)).collect()
    }
}

/// A value that a guest gets.
pub(crate) trait Lower: Layout {
    /// As a core value; only of types that are one.
    fn flat(&self) -> u64 {
        0
    }

    /// Into memory; `at` is aligned.
    fn store(&self, to: &mut impl Writer, at: u32) -> Result<()>;

    /// The items of a list, to where there is room for them.
    fn store_list(items: &[Self], to: &mut impl Writer, at: u32) -> Result<()>
    where
        Self: Sized,
    {
        for (item, at) in items.iter().zip((at..).step_by(Self::SIZE as usize)) {
            item.store(to, at)?;
        }
        Ok(())
    }
}

/// The core values of a call, read from the first to the last.
#[derive(Debug)]
pub(crate) struct Slots<'a>(pub(crate) &'a [ValRaw]);

impl Slots<'_> {
    /// The next one. Smaller values are in its lower bits.
    pub(crate) fn u64(&mut self) -> Result<u64> {
        self.next().map(|slot| slot.get_u64())
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        self.next().map(|slot| slot.get_u32())
    }

    /// A text, which stays where it is.
    pub(crate) fn text<'m>(&mut self, from: &mut Reader<'m>) -> Result<&'m str> {
        values::text(from, self.u32()?, self.u32()?)
    }

    /// The next `count`, apart.
    pub(crate) fn split(&mut self, count: usize) -> Result<Self> {
        let (these, rest) = self.0.split_at_checked(count).ok_or_else(too_few)?;
        self.0 = rest;
        Ok(Slots(these))
    }

    fn next(&mut self) -> Result<ValRaw> {
        let (first, rest) = self.0.split_first().ok_or_else(too_few)?;
        self.0 = rest;
        Ok(*first)
    }
}

fn too_few() -> wasmtime::Error {
    wasmtime::Error::msg("a call has fewer values than its type says")
}

/// `offset`, or as little after it as `align` asks for.
pub(crate) const fn aligned(offset: u32, align: u32) -> u32 {
    (offset + align - 1) & !(align - 1)
}

/// Size and alignment of a record with these fields, each of a size and an alignment.
pub(crate) const fn record_layout(fields: &[(u32, u32)]) -> (u32, u32) {
    let (mut size, mut align, mut number) = (0, 1, 0);
    while number < fields.len() {
        let (field_size, field_align) = fields[number];
        size = aligned(size, field_align) + field_size;
        align = if field_align > align { field_align } else { align };
        number += 1;
    }
    (aligned(size, align), align)
}

/// Size, alignment, the offset of what a case carries, and its core values, of a variant whose cases carry
/// these: each of a size, an alignment and core values.
pub(crate) const fn variant_layout(cases: &[(u32, u32, usize)]) -> (u32, u32, u32, usize) {
    let (mut size, mut align, mut flat, mut number) = (0, 1, 0, 0);
    while number < cases.len() {
        let (case_size, case_align, case_flat) = cases[number];
        size = if case_size > size { case_size } else { size };
        align = if case_align > align { case_align } else { align };
        flat = if case_flat > flat { case_flat } else { flat };
        number += 1;
    }
    // Up to 256 cases are told apart by a byte.
    let offset = aligned(1, align);
    (aligned(offset + size, align), align, offset, 1 + flat)
}

/// Where each field of a record is.
#[derive(Debug)]
pub(crate) struct Fields(pub(crate) u32);

impl Fields {
    pub(crate) fn next<T: Layout>(&mut self) -> u32 {
        let at = aligned(self.0, T::ALIGN);
        self.0 = at + T::SIZE;
        at
    }

    pub(crate) fn load<T: Lift>(&mut self, from: &mut Reader<'_>) -> Result<T> {
        T::load(from, self.next::<T>())
    }

    pub(crate) fn store<T: Lower>(&mut self, field: &T, to: &mut impl Writer) -> Result<()> {
        field.store(to, self.next::<T>())
    }
}
