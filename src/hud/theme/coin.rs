//! Which money amounts are in, and what stands after them.

/// Play money says so wherever an amount stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Coin {
    #[default]
    Sats,
    Practice,
}

impl Coin {
    /// What stands after a figure, where there may be little room.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Sats => "sats",
            Self::Practice => "PRACTICE",
        }
    }

    /// What stands after an amount of thousandths.
    pub const fn thousandths(self) -> &'static str {
        match self {
            Self::Sats => "msats",
            Self::Practice => "PRACTICE msats",
        }
    }

    /// What stands after an amount in a sentence.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Sats => "sats",
            Self::Practice => "PRACTICE sats",
        }
    }
}
