//! `[plugins.NAME.keys.KEY]`: one algorithm, one source of material; and `[plugins.NAME.secrets.NAME]`,
//! which has the same sources.
//!
//! Only cheap checks: the PEM itself is parsed by what uses the key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::Resolver;
use crate::config::document::child;
use crate::config::model::{Algorithm, Key, KeyMaterial, Secret};
use crate::config::{file, suggest};

impl Resolver<'_> {
    pub(super) fn key(&mut self, pointer: &str, written: &file::Key) -> Option<Key> {
        let algorithm = algorithm(written.algorithm);
        let file::Key { value, value_base64, file, secret, .. } = written;
        let (source, bytes) = self.material(pointer, [value, value_base64, file, secret], KEY)?;
        let may_sign = written.usage == Some(file::KeyUse::Sign);
        if is_aead(algorithm) && written.usage.is_some() {
            let message = "a key of this algorithm seals and opens, and has no `use`";
            self.error_with_help(&child(pointer, "use"), message, "leave `use` out, or choose another algorithm");
            return None;
        }
        let source = &child(pointer, source);
        let material = match algorithm {
            algorithm if is_aead(algorithm) => aead_key(bytes),
            algorithm if is_hmac(algorithm) => hmac_secret(bytes),
            _ if may_sign => private_key(bytes),
            _ => public_key(bytes),
        };
        if let Ok(KeyMaterial::Secret(secret)) = &material {
            self.warn_of_short_secret(source, algorithm, secret.len());
        }
        match material {
            Ok(material) => Some(Key { algorithm, may_sign, material }),
            Err((message, help)) => {
                self.error_with_help(source, message, help);
                None
            }
        }
    }

    /// Such a one is found by trying, from one token. Not an error, for there are tokens signed with it.
    fn warn_of_short_secret(&mut self, pointer: &str, algorithm: Algorithm, length: usize) {
        let (name, wanted) = match algorithm {
            Algorithm::Hs256 => ("HS256", 32),
            Algorithm::Hs384 => ("HS384", 48),
            Algorithm::Hs512 => ("HS512", 64),
            _ => return,
        };
        if length < wanted {
            let message =
                format!("the secret has {length} bytes, and {name} wants {wanted} at least (RFC 7518 section 3.2)");
            let warning = self.document.value_error(pointer, message);
            self.warnings.push(warning.help(format!("for example from `openssl rand -base64 {wanted}`")));
        }
    }

    pub(super) fn plugin_secret(&mut self, pointer: &str, written: &file::PluginSecret) -> Option<Secret> {
        let file::PluginSecret { value, value_base64, file, secret } = written;
        let (source, bytes) = self.material(pointer, [value, value_base64, file, secret], SECRET)?;
        // What an unset variable or an emptied file leaves must not pass for a password.
        if bytes.is_empty() {
            self.error(&child(pointer, source), "the secret is empty");
            return None;
        }
        Some(Secret(bytes))
    }

    /// The bytes of the material, and the key they came from. `given` is in the order of [`SOURCES`].
    fn material(
        &mut self,
        pointer: &str,
        given: [&Option<String>; 4],
        (what, example): (&str, &str),
    ) -> Option<(&'static str, Vec<u8>)> {
        let mut given = SOURCES.into_iter().zip(given).filter_map(|(name, text)| Some((name, text.as_deref()?)));
        let (Some((source, text)), None) = (given.next(), given.next()) else {
            if !self.has_broken(pointer) {
                let message = format!("{what} has exactly one of `value`, `value_base64`, `file` and `secret`");
                self.error_with_help(pointer, message, example);
            }
            return None;
        };
        let at = child(pointer, source);
        let bytes = match source {
            "value" => Some(text.as_bytes().to_vec()),
            "value_base64" => self.or_error(&at, base64(text)),
            "file" => self.read(&at, text),
            _ => self.named_secret(&at, text),
        };
        Some((source, bytes?))
    }

    fn named_secret(&mut self, pointer: &str, name: &str) -> Option<Vec<u8>> {
        if let Some(value) = self.secrets.get(name) {
            return value.clone();
        }
        let names: Vec<&str> = self.secrets.keys().map(String::as_str).collect();
        // `secret` names a secret; who took it for the secret itself must not see it printed.
        let help = match suggest::nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`secret` is a name in `[secrets]`, for example `[secrets]` with `jwt = { env = \"JWT_SECRET\" }`"
                .into(),
        };
        self.error_with_help(pointer, "there is no such secret in `[secrets]`", help);
        None
    }
}

/// Bytes of a key of either algorithm that seals.
const AEAD_KEY: usize = 32;

/// The keys that say where material comes from.
const SOURCES: [&str; 4] = ["value", "value_base64", "file", "secret"];
/// What has them, and an example of it.
const KEY: (&str, &str) = ("a key", "for example `{ algorithm = \"RS256\", file = \"keys/issuer.pem\" }`");
const SECRET: (&str, &str) =
    ("a secret", "for example `{ value = \"${env.API_TOKEN}\" }` or `{ secret = \"api-token\" }`");

type Refused = (&'static str, &'static str);

fn hmac_secret(bytes: Vec<u8>) -> Result<KeyMaterial, Refused> {
    if bytes.is_empty() {
        return Err((
            "the secret is empty",
            "an HS algorithm wants a random secret, for example from `openssl rand -base64 32`",
        ));
    }
    // Whoever has the public key could sign: the oldest attack on JWT.
    if contains(&bytes, b"-----BEGIN ") {
        return Err((
            "an HS algorithm wants a secret, not a key in PEM",
            "for a public key use RS256, PS256, ES256 or EdDSA",
        ));
    }
    Ok(KeyMaterial::Secret(bytes))
}

fn public_key(bytes: Vec<u8>) -> Result<KeyMaterial, Refused> {
    if contains(&bytes, b"PRIVATE KEY-----") {
        return Err((
            "this is a private key",
            "to check signatures give the public key: `openssl pkey -in private.pem -pubout`; to make them add `use = \"sign\"`",
        ));
    }
    if contains(&bytes, b"-----BEGIN CERTIFICATE-----") {
        return Err(("this is a certificate", "take its public key: `openssl x509 -in cert.pem -pubkey -noout`"));
    }
    if !contains(&bytes, b"-----BEGIN ") {
        return Err(("this is not a public key in PEM", "it starts with `-----BEGIN PUBLIC KEY-----`"));
    }
    Ok(KeyMaterial::PublicPem(bytes))
}

fn private_key(bytes: Vec<u8>) -> Result<KeyMaterial, Refused> {
    if contains(&bytes, b"ENCRYPTED") {
        return Err((
            "this private key is encrypted",
            "take the password off: `openssl pkey -in key.pem -out plain.pem`",
        ));
    }
    if !contains(&bytes, b"PRIVATE KEY-----") {
        return Err((
            "signing wants a private key in PEM",
            "it starts with `-----BEGIN PRIVATE KEY-----`; to check signatures only, leave `use` out",
        ));
    }
    Ok(KeyMaterial::PrivatePem(bytes))
}

fn aead_key(bytes: Vec<u8>) -> Result<KeyMaterial, Refused> {
    if bytes.len() != AEAD_KEY {
        return Err((
            "a key of this algorithm has exactly 32 bytes",
            "make one with `openssl rand -base64 32`, and give it as `value_base64`",
        ));
    }
    Ok(KeyMaterial::Secret(bytes))
}

/// Either alphabet, with or without padding: all are in use for secrets.
fn base64(text: &str) -> Result<Vec<u8>, String> {
    let text = text.trim();
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|engine| engine.decode(text).ok())
        .ok_or_else(|| "this is not base64".into())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn is_hmac(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512)
}

fn is_aead(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::A256Gcm | Algorithm::ChaCha20Poly1305)
}

fn algorithm(written: file::Algorithm) -> Algorithm {
    match written {
        file::Algorithm::Hs256 => Algorithm::Hs256,
        file::Algorithm::Hs384 => Algorithm::Hs384,
        file::Algorithm::Hs512 => Algorithm::Hs512,
        file::Algorithm::Rs256 => Algorithm::Rs256,
        file::Algorithm::Rs384 => Algorithm::Rs384,
        file::Algorithm::Rs512 => Algorithm::Rs512,
        file::Algorithm::Ps256 => Algorithm::Ps256,
        file::Algorithm::Ps384 => Algorithm::Ps384,
        file::Algorithm::Ps512 => Algorithm::Ps512,
        file::Algorithm::Es256 => Algorithm::Es256,
        file::Algorithm::Es384 => Algorithm::Es384,
        file::Algorithm::EdDsa => Algorithm::EdDsa,
        file::Algorithm::A256Gcm => Algorithm::A256Gcm,
        file::Algorithm::ChaCha20Poly1305 => Algorithm::ChaCha20Poly1305,
    }
}
