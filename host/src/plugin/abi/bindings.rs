//! The types and host functions of `wit/`, written by `build/abi.rs`.

use super::{Fields, Layout, Lift, Lower, Reader, Slots, Writer, record_layout, variant_layout};
use crate::plugin::bindings::exports::tollgate::plugin as exports;
use crate::plugin::bindings::tollgate::plugin as wit;
use crate::plugin::direct::imports::{Core, Imports};
use crate::plugin::host_api;
use crate::plugin::verdict::{RequestVerdict, ResponseVerdict};
use wasmtime::ValType;

/// What a function of the interface is called, and its types.
#[derive(Debug)]
pub(crate) struct Signature {
    /// With package and version.
    pub(crate) interface: &'static str,
    pub(crate) function: &'static str,
    /// Parameters and result, by structure.
    pub(crate) text: &'static str,
    /// What a module imports or exports.
    pub(crate) core: Core,
}

macro_rules! record {
    ($record:path { $($field:ident: $type:ty,)* }) => {
        impl Layout for $record {
            const SIZE: u32 = record_layout(&[$((<$type>::SIZE, <$type>::ALIGN)),*]).0;
            const ALIGN: u32 = record_layout(&[$((<$type>::SIZE, <$type>::ALIGN)),*]).1;
            const FLAT: usize = 0 $(+ <$type>::FLAT)*;
        }

        impl Lift for $record {
            fn lift(slots: &mut Slots<'_>, from: &mut Reader<'_>) -> wasmtime::Result<Self> {
                Ok(Self { $($field: Lift::lift(slots, from)?,)* })
            }

            fn load(from: &mut Reader<'_>, at: u32) -> wasmtime::Result<Self> {
                let mut fields = Fields(at);
                Ok(Self { $($field: fields.load(from)?,)* })
            }
        }

        impl Lower for $record {
            fn store(&self, to: &mut impl Writer, at: u32) -> wasmtime::Result<()> {
                let mut fields = Fields(at);
                $(fields.store(&self.$field, to)?;)*
                Ok(())
            }
        }
    };
}

macro_rules! variant {
    ($variant:path { $($number:literal $case:ident $(($type:ty))?,)* }) => {
        impl Layout for $variant {
            const SIZE: u32 = variant_layout(&[$(variant!(@layout $($type)?)),*]).0;
            const ALIGN: u32 = variant_layout(&[$(variant!(@layout $($type)?)),*]).1;
            const FLAT: usize = variant_layout(&[$(variant!(@layout $($type)?)),*]).3;
        }

        impl Lift for $variant {
            #[allow(unused_variables, unused_mut, reason = "not every variant carries something")]
            fn lift(slots: &mut Slots<'_>, from: &mut Reader<'_>) -> wasmtime::Result<Self> {
                let case = slots.u32()?;
                let mut slots = slots.split(Self::FLAT - 1)?;
                Ok(match case {
                    $($number => variant!(@lift slots from $case $($type)?),)*
                    _ => return Err(crate::plugin::abi::memory::no_such_case(case)),
                })
            }

            fn load(from: &mut Reader<'_>, at: u32) -> wasmtime::Result<Self> {
                #[allow(unused, reason = "not every variant carries something")]
                let content = at + variant_layout(&[$(variant!(@layout $($type)?)),*]).2;
                Ok(match from.u8(at)? {
                    $($number => variant!(@load content from $case $($type)?),)*
                    case => return Err(crate::plugin::abi::memory::no_such_case(case.into())),
                })
            }
        }

        impl Lower for $variant {
            fn flat(&self) -> u64 {
                match self {
                    $(variant!(@pattern ignored $case $($type)?) => $number,)*
                }
            }

            fn store(&self, to: &mut impl Writer, at: u32) -> wasmtime::Result<()> {
                #[allow(unused, reason = "not every variant carries something")]
                let content = at + variant_layout(&[$(variant!(@layout $($type)?)),*]).2;
                match self {
                    $(variant!(@pattern value $case $($type)?) => {
                        to.write(at, &[$number])?;
                        $(<$type as Lower>::store(value, to, content)?;)?
                    })*
                }
                Ok(())
            }
        }
    };
    (@layout) => { (0, 1, 0) };
    (@layout $type:ty) => { (<$type>::SIZE, <$type>::ALIGN, <$type>::FLAT) };
    (@lift $slots:ident $from:ident $case:ident) => { Self::$case };
    (@lift $slots:ident $from:ident $case:ident $type:ty) => { Self::$case(Lift::lift(&mut $slots, $from)?) };
    (@load $at:ident $from:ident $case:ident) => { Self::$case };
    (@load $at:ident $from:ident $case:ident $type:ty) => { Self::$case(Lift::load($from, $at)?) };
    (@pattern $value:ident $case:ident) => { Self::$case };
    (@pattern ignored $case:ident $type:ty) => { Self::$case(_) };
    (@pattern $value:ident $case:ident $type:ty) => { Self::$case($value) };
}

// Two verdicts as the chain gets them, read without a detour: a test compares them with the interface's own.
variant!(RequestVerdict {
    0 Next,
    1 Respond(Box<wit::types::Answer>),
    2 NeedBody(u32),
    3 Fetch(Box<wit::types::Fetch>),
    4 Serve(Box<wit::types::Hit>),
});
variant!(ResponseVerdict {
    0 Next,
    1 Replace(Box<wit::types::Answer>),
    2 NeedBody(u32),
    3 Serve(Box<wit::types::Hit>),
});

include!(concat!(env!("OUT_DIR"), "/abi.rs"));
