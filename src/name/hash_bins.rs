//! Targets spread over many roles by the hash of their name: which role holds a name follows from
//! the name alone, and nobody ever lists the roles (TUF specification 1.0.34, section 4.5,
//! `succinct_roles`, from TAP 15).

use super::{NameError, PathRule, digest::sha256_of, path_rule::HashPrefix};

/// Two to the power of `bit_length` roles, called `<name_prefix>-<number>`, the number in hex digits
/// and padded to the width of the highest.
///
/// ```
/// use tuf_notary::name::HashBins;
/// let bins = HashBins::new("bins", 10)?;
/// assert_eq!(bins.bin_of("alpine/latest"), "bins-38e");
/// assert_eq!((bins.count(), bins.contains("bins-3ff"), bins.contains("bins-400")), (1024, true, false));
/// # Ok::<(), tuf_notary::name::NameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HashBins {
    name_prefix: Box<str>,
    bit_length: u32,
}

impl HashBins {
    /// The most bits of the hash that tell the roles apart.
    pub const MAX_BIT_LENGTH: u32 = 32;

    /// Roles that the first `bit_length` bits of the name's SHA-256 tell apart.
    ///
    /// # Errors
    /// `bit_length` is not 1 to 32.
    pub fn new(name_prefix: &str, bit_length: u64) -> Result<Self, NameError> {
        let bits = u32::try_from(bit_length).ok().filter(|bits| (1..=Self::MAX_BIT_LENGTH).contains(bits));
        let bit_length =
            bits.ok_or_else(|| NameError::new("bit length", &bit_length.to_string(), "1 to 32"))?;
        Ok(Self { name_prefix: name_prefix.into(), bit_length })
    }

    /// What the names of all these roles begin with, without the `-`.
    pub fn name_prefix(&self) -> &str {
        &self.name_prefix
    }

    /// How many bits of the hash tell the roles apart, 1 to 32.
    pub fn bit_length(&self) -> u32 {
        self.bit_length
    }

    /// How many roles there are, 2 to 2^32.
    pub fn count(&self) -> u64 {
        1 << self.bit_length
    }

    /// The name of the one role that may sign `target`.
    pub fn bin_of(&self, target: &str) -> String {
        let [a, b, c, d, ..] = sha256_of(target);
        let first = u64::from(u32::from_be_bytes([a, b, c, d]));
        self.name(first >> (Self::MAX_BIT_LENGTH - self.bit_length))
    }

    /// Whether a role is one of these.
    pub fn contains(&self, role: &str) -> bool {
        self.number(role).is_some()
    }

    /// The names that a role of these may sign, in terms of their hash: 1 to 8 prefixes. `None` for
    /// a role that is none of these.
    pub fn paths_of(&self, role: &str) -> Option<PathRule> {
        let spare = self.digits() * 4 - self.bit_length;
        let first = self.number(role)? << spare;
        let prefixes = (first..first + (1 << spare)).map(|number| HashPrefix::new(&self.hex(number)).ok());
        Some(PathRule::HashPrefixes(prefixes.collect::<Option<_>>()?))
    }

    /// The names of all these roles in order, made one by one as they are asked for.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.count()).map(|number| self.name(number))
    }

    /// How many hex digits the highest number has.
    fn digits(&self) -> u32 {
        self.bit_length.div_ceil(4)
    }

    fn hex(&self, number: u64) -> String {
        let width = usize::try_from(self.digits()).unwrap_or_default();
        format!("{number:0width$x}")
    }

    fn name(&self, number: u64) -> String {
        format!("{}-{}", self.name_prefix, self.hex(number))
    }

    /// The one spelling counts: lower case, and no digit more or less.
    fn number(&self, role: &str) -> Option<u64> {
        let digits = role.strip_prefix(&*self.name_prefix)?.strip_prefix('-')?;
        let number = u64::from_str_radix(digits, 16).ok().filter(|number| *number < self.count())?;
        (self.hex(number) == digits).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pd_07_bit_lengths_out_of_1_to_32_are_refused() {
        for bits in [0, 33, 64, 1 << 31, u64::MAX] {
            let error = HashBins::new("bins", bits).unwrap_err().to_string();
            assert!(error.contains(&bits.to_string()) && error.contains("1 to 32"), "{error}");
        }
        for bits in 1..=32 {
            let bins = HashBins::new("bins", bits).unwrap();
            assert_eq!(bins.count(), 2u64.pow(bins.bit_length()));
        }
    }

    #[test]
    fn pd_07_bins_are_made_as_they_are_asked_for() {
        let bins = HashBins::new("bins", 32).unwrap();
        let first: Vec<_> = bins.names().take(2).collect();
        assert_eq!(first, ["bins-00000000", "bins-00000001"]);
        assert!(bins.contains("bins-ffffffff") && bins.contains(&bins.bin_of("a")));
        assert!(!bins.contains("bins-100000000"));
    }

    /// The role that Python's tuf 7 gives these names (`SuccinctRoles.get_role_for_target`).
    #[test]
    fn names_fall_into_the_bins_of_other_implementations() {
        for (bits, name, expected) in KNOWN {
            assert_eq!(HashBins::new("bin", bits).unwrap().bin_of(name), expected, "{bits} {name}");
        }
    }

    const KNOWN: [(u64, &str, &str); 13] = [
        (1, "a/file.txt", "bin-1"),
        (1, "é", "bin-0"),
        (3, "a/file.txt", "bin-4"),
        (4, "a/file.txt", "bin-9"),
        (5, "alpine/latest", "bin-1c"),
        (5, "é", "bin-09"),
        (8, "", "bin-e3"),
        (10, "alpine/latest", "bin-38e"),
        (14, "", "bin-38ec"),
        (20, "é", "bin-4a995"),
        (31, "é", "bin-254caabf"),
        (32, "alpine/latest", "bin-e38954c4"),
        (32, "a/file.txt", "bin-987eae11"),
    ];

    #[test]
    fn only_the_one_spelling_is_a_bin() {
        let bins = HashBins::new("a-b", 5).unwrap();
        assert_eq!(bins.names().count(), 32);
        assert!(bins.names().all(|name| bins.contains(&name)));
        for role in
            ["a-b", "a-b-", "a-b-1", "a-b-001", "a-b-20", "a-b-0A", "a-b-+1", "a-b-0x1", "b-01", "a-b01"]
        {
            assert!(!bins.contains(role), "{role}");
            assert_eq!(bins.paths_of(role), None);
        }
        assert!(HashBins::new("", 4).unwrap().contains("-f"));
    }

    #[test]
    fn the_paths_of_a_bin_are_the_names_that_fall_into_it() {
        for bits in [1, 2, 3, 4, 5, 7, 8, 10] {
            let bins = HashBins::new("bin", bits).unwrap();
            let rules: Vec<_> = bins.names().map(|name| (bins.paths_of(&name).unwrap(), name)).collect();
            for target in (0..40).map(|number| format!("file{number}")) {
                let granting = rules.iter().filter(|(rule, _)| rule.grants(&target));
                let roles: Vec<_> = granting.map(|(_, name)| name.clone()).collect();
                assert_eq!(roles, [bins.bin_of(&target)], "{bits} {target}");
            }
        }
        let PathRule::HashPrefixes(prefixes) = HashBins::new("bin", 5).unwrap().paths_of("bin-1f").unwrap()
        else {
            panic!("prefixes")
        };
        assert_eq!(
            prefixes.iter().map(HashPrefix::as_str).collect::<Vec<_>>(),
            ["f8", "f9", "fa", "fb", "fc", "fd", "fe", "ff"]
        );
    }
}
