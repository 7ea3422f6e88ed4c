//! Hashes of passwords: argon2id, in the PHC string format.
//!
//! The parameters are the least that OWASP recommends, 19 MiB and two passes, so that a Raspberry
//! Pi can bear them. Each hash carries its parameters, so other ones can be read.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

/// A hash that no password has, for users that do not exist, so that they take as long to check.
pub(crate) const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Tm9ib2R5IGtub3dzIGl0Lg\
                                 $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a password with a salt of its own.
///
/// # Errors
/// The system has no randomness, or there is no memory.
pub(crate) fn hash(password: &[u8]) -> std::io::Result<String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(std::io::Error::other)?;
    let hash = || -> password_hash::Result<String> {
        let params = Params::new(19_456, 2, 1, None)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash: PasswordHash = argon2.hash_password_with_salt(password, &salt)?;
        Ok(hash.to_string())
    };
    hash().map_err(|error| std::io::Error::other(error.to_string()))
}

/// Whether the hash can be verified in bearable time and memory.
pub(crate) fn is_hash(hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        let params = Params::try_from(&hash);
        hash.algorithm == argon2::ARGON2ID_IDENT
            && hash.hash.is_some()
            && params.is_ok_and(|p| p.m_cost() <= 256 << 10 && p.t_cost() <= 16)
    })
}

/// Whether the password is right. A wrong one takes about as long.
pub(crate) fn verify(password: &[u8], hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
}

/// A password that nobody has to remember: 32 characters of 160 random bits.
///
/// # Errors
/// The system has no randomness.
pub fn new_password() -> std::io::Result<String> {
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    // Crockford's alphabet, in which no two characters look alike.
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let letter = |five: u8| char::from(LETTERS.get(usize::from(five)).copied().unwrap_or(b'0'));
    let five_bits = |i: usize| {
        let (byte, bit) = (i * 5 / 8, i * 5 % 8);
        let two = [byte, byte + 1].map(|at| bytes.get(at).copied().unwrap_or(0));
        (u16::from_be_bytes(two) << bit >> 11).to_be_bytes()
    };
    Ok((0..32).map(|i| letter(five_bits(i)[1])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash() {
        let (one, other) = (hash(b"correct horse").unwrap(), hash(b"correct horse").unwrap());
        assert_ne!(one, other, "each has its salt");
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert!(is_hash(&one));
        assert!(verify(b"correct horse", &one) && verify(b"correct horse", &other));
        assert!(!verify(b"Correct horse", &one) && !verify(b"", &one));
    }

    #[test]
    fn nobody_has_a_hash_that_costs_and_no_password() {
        assert!(is_hash(NOBODY));
        assert!(!verify(b"", NOBODY));
    }

    #[test]
    fn what_costs_too_much_or_is_none_is_no_hash() {
        for bad in [
            "",
            "secret",
            "$2b$12$abcdefghijklmnopqrstuv",
            &NOBODY.replace("argon2id", "argon2i"),
            &NOBODY.replace("m=19456", "m=4194304"),
            &NOBODY.replace("t=2", "t=1000"),
        ] {
            assert!(!is_hash(bad), "{bad}");
        }
    }

    #[test]
    fn new_passwords_are_random_and_of_good_letters() {
        let (one, other) = (new_password().unwrap(), new_password().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 32);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric()), "{one}");
    }
}
