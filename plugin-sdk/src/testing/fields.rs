//! Header fields in order, with the checks the gateway makes.

use crate::bindings::tollgate::plugin::types::{Header, HeaderError};
use crate::{RESERVED_HEADERS, is_field_name};

/// Most names in one call.
const MAX_NAMES: usize = 256;

/// The fields of a request or a response; names in lower case.
#[derive(Default, Clone)]
pub(super) struct Fields(Vec<(String, Vec<u8>)>);

impl Fields {
    /// A field as it came over the network: nothing is reserved.
    pub(super) fn arrive(&mut self, name: &str, value: &[u8]) {
        self.0.push((name.to_ascii_lowercase(), value.to_vec()));
    }

    pub(super) fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.lines(name).next().map(<[u8]>::to_vec)
    }

    pub(super) fn first(&self, name: &str) -> Option<String> {
        self.lines(name).next().map(text)
    }

    pub(super) fn many(&self, names: &[String]) -> Vec<Option<String>> {
        check_names("header_many", names);
        names.iter().map(|name| self.first(name)).collect()
    }

    pub(super) fn values(&self, name: &str) -> Vec<String> {
        self.lines(name).map(text).collect()
    }

    pub(super) fn all(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    pub(super) fn records(&self) -> Vec<Header> {
        self.all().into_iter().map(|(name, value)| Header { name, value }).collect()
    }

    /// Takes the place of the first line of that name; the others go.
    pub(super) fn set(&mut self, name: &str, value: &[u8]) -> Result<(), HeaderError> {
        let name = writable(name)?;
        legal_value(value)?;
        let place = self.0.iter().position(|(other, _)| *other == name).unwrap_or(self.0.len());
        self.0.retain(|(other, _)| *other != name);
        self.0.insert(place.min(self.0.len()), (name, value.to_vec()));
        Ok(())
    }

    pub(super) fn add(&mut self, name: &str, value: &[u8]) -> Result<(), HeaderError> {
        let name = writable(name)?;
        legal_value(value)?;
        self.0.push((name, value.to_vec()));
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<(), HeaderError> {
        let name = writable(name)?;
        self.0.retain(|(other, _)| *other != name);
        Ok(())
    }

    /// Takes off what told about another body, and sets the length of this one, as the gateway does.
    pub(super) fn body_replaced(&mut self, length: usize) {
        const OF_A_BODY: [&str; 5] = ["content-length", "content-digest", "repr-digest", "digest", "content-md5"];
        self.0.retain(|(name, _)| !OF_A_BODY.contains(&name.as_str()));
        self.arrive("content-length", length.to_string().as_bytes());
    }

    fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
    }
}

/// More are a fault of the plugin.
pub(super) fn check_names(function: &str, names: &[String]) {
    assert!(names.len() <= MAX_NAMES, "`{function}` may be asked for {MAX_NAMES} names, and not for {}", names.len());
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

/// The name in lower case, if it is legal and not the gateway's.
fn writable(name: &str) -> Result<String, HeaderError> {
    let legal = is_field_name(name);
    let name = name.to_ascii_lowercase();
    match () {
        () if !legal => Err(HeaderError::IllegalName),
        () if RESERVED_HEADERS.contains(&name.as_str()) => Err(HeaderError::Reserved),
        () => Ok(name),
    }
}

fn legal_value(value: &[u8]) -> Result<(), HeaderError> {
    let legal = |&byte: &u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    if value.iter().all(legal) { Ok(()) } else { Err(HeaderError::IllegalValue) }
}
