//! Base64 as OpenSSH has it: keys in `known_hosts`, fingerprints, key files.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

/// Lenient, as OpenSSH is: with padding or without, whatever the last letter's spare bits are.
const READER: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// `bytes` in base64, without padding (as in OpenSSH's fingerprints).
pub(super) fn encode_unpadded(bytes: &[u8]) -> String {
    BASE64_STANDARD_NO_PAD.encode(bytes)
}

/// `bytes` in base64, padded (as in `known_hosts`).
pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// The bytes that `text` stands for; nothing if it is not base64. White space is skipped: key files have lines.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let letters: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    READER.decode(letters).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_vectors() {
        for (bytes, padded, unpadded) in
            [("", "", ""), ("f", "Zg==", "Zg"), ("fo", "Zm8=", "Zm8"), ("foo", "Zm9v", "Zm9v")]
        {
            assert_eq!(encode(bytes.as_bytes()), padded);
            assert_eq!(encode_unpadded(bytes.as_bytes()), unpadded);
            for text in [padded, unpadded] {
                assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
            }
        }
        assert_eq!(decode("Zm9v\n Ym Fy\r\n").as_deref(), Some(&b"foobar"[..]));
        assert_eq!(decode("Zm9*"), None);
    }
}
