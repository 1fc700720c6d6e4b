//! What the wallet and its helper say to each other: one JSON object a line, in both directions.
//!
//! The helper says [`FromHelper::Hello`] first. It is told to open the wallet, once, and answers whether it has. Then it
//! answers calls, in whatever order they end, each with the number it came with. Amounts are whole sats and times are
//! seconds, as the Spark library has them.

mod values;

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::domain::payment::Network;

pub use values::{Claim, Deposit, Entry, EntryState, Fault, Inspected, Kind, Probe, Quote, Reading, Service};

/// The version of this protocol. Both ends are the same program, so another one is a mistake.
pub const VERSION: u32 = 1;

/// Told to the helper.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
// Tagged from outside: the other forms copy what they read, and so would leave the words behind in memory.
pub enum ToHelper {
    /// Loads the library and opens the wallet. Answer: `Opened` or `NotOpened`.
    Open(Box<Opening>),
    /// Answer: `Answer` with the same number.
    Call { id: u64, call: Call },
    /// Nobody waits for this answer any more.
    Cancel { id: u64 },
    /// Closes the wallet and ends the process.
    Close,
}

/// Everything a wallet is opened with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Opening {
    pub library: PathBuf,
    pub network: SparkNetwork,
    /// A directory that is there and closed to others.
    pub storage: PathBuf,
    pub words: Hidden,
    pub api_key: Option<Hidden>,
    pub servers: Servers,
}

/// A secret on its way. Shown to nobody, overwritten when it is dropped.
#[derive(Clone)]
pub struct Hidden(Zeroizing<String>);

impl Hidden {
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// Which money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SparkNetwork {
    /// Play money, on servers that are run for everybody.
    #[default]
    Regtest,
    /// Bitcoin.
    Mainnet,
}

impl SparkNetwork {
    /// As the rest of the program calls it.
    pub const fn network(self) -> Network {
        match self {
            Self::Regtest => Network::Regtest,
            Self::Mainnet => Network::Mainnet,
        }
    }
}

/// Whom the library talks to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Servers {
    /// The ones it comes with.
    #[default]
    Hosted,
    /// Nobody: every address leads to a closed door on this machine, so that what needs a network fails at once.
    Nobody,
}

/// Asked of the helper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Whether it still answers at all. Answer: `Done`.
    Ping,
    /// Balance and what is on its way. Asks no server. Answer: `Reading`.
    Read,
    /// Whether the servers can be reached. Answer: `Probe`.
    Probe,
    /// Takes in what the network says. Done does not mean that anybody could be reached. Answer: `Done`.
    Sync,
    /// Answer: `Text`.
    SparkAddress,
    /// Answer: `Text`.
    OnChainAddress,
    /// A BOLT11 invoice. Answer: `Text`.
    Invoice { sats: u64, description: String, expiry_secs: u32 },
    /// What a text is that somebody wants to pay to. Asks no server. Answer: `Inspected`.
    Inspect { text: String },
    /// What it would cost to pay to this. Moves nothing. Answer: `Prepared`.
    Prepare { to: String, sats: Option<u64> },
    /// Pays, if it costs no more than this. The same key pays once. Answer: `Sent`, or `Unsure`. A fault means that
    /// nothing has been paid by this call.
    Send { to: String, sats: Option<u64>, most_fee: u64, key: String },
    /// The record of one payment. Asks no server. Answer: `Payment`.
    Payment { id: String },
    /// Payments that were begun before this second, newest first. Asks no server. Answer: `Payments`.
    Payments { before_secs: Option<u64>, offset: u32, limit: u32 },
    /// Money on the chain that has not been claimed. Answer: `Deposits`.
    Deposits,
    /// Claims a deposit, if that costs no more than this. Answer: `Claimed`.
    Claim { txid: String, vout: u32, most_fee: u64 },
    /// Sends a deposit somewhere else on the chain instead, for this fee. Answer: `Text`, the transaction.
    Refund { txid: String, vout: u32, to: String, fee: u64 },
    /// The Lightning address that was registered. Answer: `Name`.
    LightningAddress,
    /// Registers a Lightning address. Answer: `Name`.
    Register { name: String },
    /// Gives the Lightning address up. Answer: `Done`.
    Release,
}

impl Call {
    /// Whether asking again is the same as asking once, so that what a helper that died was asked is asked of the next.
    pub const fn may_be_repeated(&self) -> bool {
        match self {
            Self::Ping
            | Self::Read
            | Self::Probe
            | Self::Sync
            | Self::SparkAddress
            | Self::OnChainAddress
            | Self::Invoice { .. }
            | Self::Inspect { .. }
            | Self::Prepare { .. }
            | Self::Payment { .. }
            | Self::Payments { .. }
            | Self::Deposits
            | Self::LightningAddress => true,
            // The wallet looks at what has become of it first.
            Self::Send { .. } | Self::Claim { .. } | Self::Refund { .. } | Self::Register { .. } | Self::Release => false,
        }
    }
}

/// Told by the helper.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromHelper {
    /// It is there.
    Hello {
        version: u32,
        pid: u32,
    },
    /// The wallet is open.
    Opened(Opened),
    NotOpened(OpenFault),
    Answer {
        id: u64,
        answer: Result<Answer, Fault>,
    },
    News(News),
    /// A line of the library's log.
    Log {
        level: String,
        line: String,
    },
}

/// What was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The library's version.
    pub version: String,
    /// The version of the agreement its calls keep.
    pub contract: u32,
    /// The wallet's public key, in hexadecimal.
    pub identity: String,
}

/// Why a wallet is not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpenFault {
    #[error("the Spark library is not there")]
    NoLibrary,
    #[error("{} is not the Spark library this program was made for; its SHA-256 is {found}", path.display())]
    WrongLibrary { path: PathBuf, found: String },
    #[error("the Spark library needs glibc 2.34 or newer, and this system's is older")]
    OldSystem,
    #[error("the Spark library cannot be loaded: {0}")]
    Load(String),
    #[error("the words do not make a wallet: {0}")]
    Words(String),
    #[error("the API key is missing or not taken: {0}")]
    ApiKey(String),
    #[error("the wallet does not open: {0}")]
    Other(String),
    #[error("the helper speaks another version of its protocol; start the program again")]
    Version,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Done,
    Reading(Reading),
    Probe(Probe),
    Text(String),
    Inspected(Inspected),
    Prepared(Quote),
    Sent(Box<Entry>),
    /// Something went wrong after the payment had begun: it may have gone out.
    Unsure(String),
    /// `None`: it knows of no such payment.
    Payment(Option<Box<Entry>>),
    Payments(Vec<Entry>),
    Deposits(Vec<Deposit>),
    Claimed(Claim),
    Name(Option<String>),
}

/// Told by the helper without being asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// Its record has changed.
    Payment(Box<Entry>),
    /// The library has taken in what the network says. It also says so when nobody could be reached.
    Synced,
    /// There are others now.
    Deposits,
}
