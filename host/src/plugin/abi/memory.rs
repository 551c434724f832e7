//! A guest's memory, read and written with nothing taken on trust.

use super::{Lower, Result};

/// Most elements of one list that are not bytes. Each becomes a value of its own, with texts in it, and nothing
/// interrupts that. The functions that take lists take 256 at most, or so many numbers.
pub(crate) const MAX_ELEMENTS: u32 = 1024;

/// Bytes from which on a list is large: to copy it to memory that is new takes a tenth of a millisecond and more.
pub(crate) const MUCH: usize = 256 << 10;

/// Reads what a guest hands over in one call.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    memory: &'a [u8],
    /// Bytes of lists and texts it may still hand over.
    left: usize,
    /// For the first large list of bytes.
    room: Vec<u8>,
}

impl<'a> Reader<'a> {
    /// `limit` is in bytes: `limits.host_call`.
    pub(crate) fn new(memory: &'a [u8], limit: usize) -> Self {
        Self { memory, left: limit, room: Vec::new() }
    }

    /// With memory to copy a large list of bytes to, which was made ready before.
    pub(crate) fn with_room(self, room: Vec<u8>) -> Self {
        Self { room, ..self }
    }

    pub(crate) fn u8(&self, at: u32) -> Result<u8> {
        self.array::<1>(at).map(|[byte]| byte)
    }

    pub(crate) fn array<const N: usize>(&self, at: u32) -> Result<[u8; N]> {
        let bytes = self.memory.get(at as usize..).and_then(|from| from.first_chunk());
        bytes.copied().ok_or_else(out_of_bounds)
    }

    /// Address and length of a list or text that is in memory.
    pub(crate) fn extent(&self, at: u32) -> Result<(u32, u32)> {
        Ok((u32::from_le_bytes(self.array(at)?), u32::from_le_bytes(self.array(at + 4)?)))
    }

    /// The bytes of a list, seen to be where they must be.
    pub(crate) fn list(&mut self, at: u32, length: u32, (size, align): (u32, u32)) -> Result<&'a [u8]> {
        let bytes = u64::from(length) * u64::from(size);
        let range = usize::try_from(bytes).ok().and_then(|bytes| {
            let start = at as usize;
            self.memory.get(start..start.checked_add(bytes)?)
        });
        let range = range.ok_or_else(out_of_bounds)?;
        is_aligned(at, align)?;
        if size > 1 && length > MAX_ELEMENTS {
            return Err(wasmtime::Error::msg(format!(
                "a list of {length} elements: at most {MAX_ELEMENTS} are allowed"
            )));
        }
        self.left = self.left.checked_sub(range.len()).ok_or_else(too_much)?;
        Ok(range)
    }

    /// Of a list that [`Reader::list`] has seen already.
    pub(crate) fn bytes(&self, at: u32, length: u32) -> Result<&'a [u8]> {
        let start = at as usize;
        self.memory.get(start..start.saturating_add(length as usize)).ok_or_else(out_of_bounds)
    }

    /// The same, copied.
    pub(crate) fn copied(&mut self, at: u32, length: u32) -> Result<Vec<u8>> {
        let bytes = self.bytes(at, length)?;
        if bytes.len() < MUCH || bytes.len() > self.room.capacity() {
            return Ok(bytes.to_vec());
        }
        let mut copied = std::mem::take(&mut self.room);
        copied.clear();
        copied.extend_from_slice(bytes);
        Ok(copied)
    }

    /// A value that is where the guest says.
    pub(crate) fn value<T: super::Lift>(&mut self, at: u32) -> Result<T> {
        self.area::<T>(at)?;
        T::load(self, at)
    }

    /// An area that a guest says holds a value, or is to.
    pub(crate) fn area<T: super::Layout>(&self, at: u32) -> Result<()> {
        is_aligned(at, T::ALIGN)?;
        let end = (at as usize).checked_add(T::SIZE as usize).ok_or_else(out_of_bounds)?;
        if end <= self.memory.len() { Ok(()) } else { Err(out_of_bounds()) }
    }
}

/// Where a value is written to.
pub(crate) trait Writer {
    /// Has the guest make room.
    fn allocate(&mut self, size: usize, align: u32) -> Result<u32>;

    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<()>;
}

/// Learns what room a value needs besides its own: nothing is written.
#[derive(Debug, Default)]
pub(crate) struct Planned(pub(crate) Vec<(usize, u32)>);

impl Planned {
    pub(crate) fn of<T: Lower>(value: &T) -> Result<Self> {
        let mut planned = Self::default();
        value.store(&mut planned, 0)?;
        Ok(planned)
    }
}

impl Writer for Planned {
    fn allocate(&mut self, size: usize, align: u32) -> Result<u32> {
        self.0.push((size, align));
        Ok(0)
    }

    fn write(&mut self, _: u32, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

/// Writes a value whose room was [`Planned`] and made, in the same order.
#[derive(Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) memory: &'a mut [u8],
    pub(crate) rooms: std::vec::IntoIter<u32>,
}

impl Writer for Placed<'_> {
    fn allocate(&mut self, _: usize, _: u32) -> Result<u32> {
        self.rooms.next().ok_or_else(|| wasmtime::Error::msg("a value took more room than was planned"))
    }

    fn write(&mut self, at: u32, bytes: &[u8]) -> Result<()> {
        write(self.memory, at, bytes)
    }
}

pub(crate) fn write(memory: &mut [u8], at: u32, bytes: &[u8]) -> Result<()> {
    let at = at as usize;
    let to = at.checked_add(bytes.len()).and_then(|end| memory.get_mut(at..end)).ok_or_else(out_of_bounds)?;
    to.copy_from_slice(bytes);
    Ok(())
}

/// What a guest's `realloc` gave, which may be anything.
pub(crate) fn check_room(at: u32, size: usize, align: u32, memory: usize) -> Result<u32> {
    let is_inside = (at as usize).checked_add(size).is_some_and(|end| end <= memory);
    if is_inside && is_aligned(at, align).is_ok() {
        return Ok(at);
    }
    Err(wasmtime::Error::msg("`realloc` of the plugin returned what is out of bounds of its memory, or not aligned"))
}

pub(crate) fn is_aligned(at: u32, align: u32) -> Result<()> {
    if aligned_down(at, align) == at {
        Ok(())
    } else {
        Err(wasmtime::Error::msg("a pointer of the plugin is not aligned"))
    }
}

fn aligned_down(at: u32, align: u32) -> u32 {
    at & !(align - 1)
}

pub(crate) fn out_of_bounds() -> wasmtime::Error {
    wasmtime::Error::msg("a pointer of the plugin is out of bounds of its memory")
}

/// As wasmtime says it.
fn too_much() -> wasmtime::Error {
    wasmtime::Error::msg("too much data for one call: fuel allocated for hostcalls has been exhausted")
}

pub(crate) fn no_such_case(case: u32) -> wasmtime::Error {
    wasmtime::Error::msg(format!("unexpected discriminant {case}: the variant has fewer cases"))
}
