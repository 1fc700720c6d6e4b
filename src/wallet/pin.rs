//! The spending PIN and the lock it opens. The guard's: nobody else changes either, and nobody but this room makes a
//! [`Warrant`].
//!
//! The ledger holds what a PIN is checked against (argon2id) and how often it was tried; losing any other file opens
//! nothing. A try is counted before it is looked at, so that neither a crash nor many tries at once give one for free.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::Clock;
use crate::domain::spend_lock::{SpendLock, Spending, is_pin};
use crate::domain::time::UnixMs;
use crate::store::{PinTry, Store, StoreError};

/// Somebody has shown the PIN. Good for one payment, whatever its threshold.
#[derive(Debug)]
pub struct Warrant(());

/// Why a PIN was of no use. Nothing has changed but the count of tries.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PinError {
    #[error("there is no spending PIN yet")]
    NoPin,
    #[error("there is a spending PIN already; the one there is has to be given with the new one")]
    Taken,
    #[error("this is not the spending PIN{}", after_miss(*.tries_left, *.wait_ms))]
    Wrong { tries_left: u32, wait_ms: u64 },
    #[error("too many wrong PINs: the next try is possible in {}", in_words(*.ms))]
    Wait { ms: u64 },
    /// Whoever wants it taken away has not shown whose node it is.
    #[error("this does not open the identity, and the spending PIN stays{}", after_miss(*.tries_left, *.wait_ms))]
    Unproven { tries_left: u32, wait_ms: u64 },
    /// Nor can anybody, as things are.
    #[error("{0}")]
    Identity(String),
    #[error("a PIN has 4 to 12 digits and nothing else")]
    Unfit,
    #[error("spending is locked; unlock it first, then take the PIN away")]
    Locked,
    #[error(transparent)]
    Ledger(#[from] StoreError),
    #[error("the PIN could not be worked on: {0}")]
    Work(String),
}

fn after_miss(tries_left: u32, wait_ms: u64) -> String {
    match (wait_ms, tries_left) {
        (0, 1) => ": one more try, then you have to wait".to_owned(),
        (0, left) => format!(": {left} more tries, then you have to wait"),
        (ms, _) => format!(": the next try is possible in {}", in_words(ms)),
    }
}

/// A wait as a person reads it.
pub fn in_words(ms: u64) -> String {
    match ms.div_ceil(1000) {
        1 => "a second".to_owned(),
        secs @ ..=90 => format!("{secs} seconds"),
        secs => format!("{} minutes", secs.div_ceil(60)),
    }
}

/// The lock and its PIN, over an open ledger. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SpendingPin {
    store: Store,
    clock: Clock,
}

impl SpendingPin {
    pub const fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// A node begins: what was open for a while is shut again.
    pub async fn begin(&self) -> Result<Spending, StoreError> {
        Ok(self.told(self.store.begin_spending().await?))
    }

    /// How the lock stands.
    pub async fn look(&self) -> Result<Spending, StoreError> {
        Ok(self.told(self.store.spend_lock().await?))
    }

    /// Shuts the lock: from now on nothing is paid, whatever else is asked.
    pub async fn lock(&self) -> Result<Spending, StoreError> {
        Ok(self.told(self.store.shut_spending().await?))
    }

    /// Opens it for so long, or until it is shut.
    pub async fn unlock(&self, pin: Arc<SecretString>, for_ms: Option<u64>) -> Result<Spending, PinError> {
        let _shown = self.check(pin).await?;
        let until = for_ms.map(|ms| self.clock.now().plus_ms(ms));
        Ok(self.told(self.store.open_spending(until).await?))
    }

    /// The time is over until which it was opened, whatever the clock says that can be set.
    pub async fn end_opening(&self, until: UnixMs) -> Result<Spending, StoreError> {
        Ok(self.told(self.store.end_opening(until).await?))
    }

    /// Tries a PIN.
    pub async fn check(&self, pin: Arc<SecretString>) -> Result<Warrant, PinError> {
        self.try_pin(pin).await.map(|_| Warrant(()))
    }

    /// Sets the first PIN, or another in the place of the old one.
    pub async fn set(&self, old: Option<Arc<SecretString>>, new: Arc<SecretString>) -> Result<Spending, PinError> {
        if !is_pin(new.expose_secret()) {
            return Err(PinError::Unfit);
        }
        let before = match (old, self.store.pin_verifier().await?) {
            (_, None) => None,
            (None, Some(_)) => return Err(PinError::Taken),
            (Some(old), Some(_)) => Some(self.try_pin(old).await?),
        };
        let verifier = on_thread(move || verifier(&new)).await??;
        if self.store.replace_pin(before, verifier).await? { Ok(self.look().await?) } else { Err(PinError::Taken) }
    }

    /// Takes the PIN away. Not while spending is locked: nobody could open it any more.
    pub async fn remove(&self, old: Arc<SecretString>) -> Result<Spending, PinError> {
        let before = self.try_pin(old).await?;
        if self.store.remove_pin(before, self.clock.now()).await? { Ok(self.look().await?) } else { Err(PinError::Locked) }
    }

    /// Takes a forgotten PIN away for whoever proves in another way to be the owner. That is a try as any other, and what is
    /// locked stays locked.
    pub async fn reset(&self, is_owner: impl FnOnce() -> Result<bool, String> + Send + 'static) -> Result<Spending, PinError> {
        let verifier = self.begin_try().await?;
        if !on_thread(is_owner).await?.map_err(PinError::Identity)? {
            let (tries_left, wait_ms) = self.after_miss().await?;
            return Err(PinError::Unproven { tries_left, wait_ms });
        }
        if self.store.clear_pin(verifier).await? { Ok(self.look().await?) } else { Err(PinError::Taken) }
    }

    /// Holds a PIN against the ledger's; gives the verifier it fits.
    async fn try_pin(&self, pin: Arc<SecretString>) -> Result<String, PinError> {
        let verifier = self.begin_try().await?;
        let held = verifier.clone();
        if on_thread(move || fits(&pin, &held)).await?? {
            self.store.pin_was_right().await?;
            return Ok(verifier);
        }
        let (tries_left, wait_ms) = self.after_miss().await?;
        Err(PinError::Wrong { tries_left, wait_ms })
    }

    /// Counts a try, unless it is too soon for one; gives the verifier that is tried.
    async fn begin_try(&self) -> Result<String, PinError> {
        match self.store.begin_pin_try(self.clock.moment()).await? {
            PinTry::Begun { verifier } => Ok(verifier),
            PinTry::Wait { ms } => Err(PinError::Wait { ms }),
            PinTry::NoPin => Err(PinError::NoPin),
        }
    }

    /// How many tries are left, and how long nobody may try.
    async fn after_miss(&self) -> Result<(u32, u64), PinError> {
        let now = self.clock.moment();
        let lock = self.store.spend_lock().await?;
        Ok((lock.told(now).tries_left, lock.wait_ms(now)))
    }

    fn told(&self, lock: SpendLock) -> Spending {
        lock.told(self.clock.moment())
    }
}

/// A tenth of a second of arithmetic, on a thread that may.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PinError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| PinError::Work(error.to_string()))
}

/// What a try costs. Tests try often, and what they test is not how long it takes.
fn arithmetic() -> Result<Argon2<'static>, PinError> {
    let (memory_kib, passes) = if cfg!(test) { (Params::MIN_M_COST, 1) } else { (64 * 1024, 3) };
    let params = Params::new(memory_kib, passes, 1, None).map_err(|error| PinError::Work(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn verifier(pin: &SecretString) -> Result<String, PinError> {
    let work = |error: argon2::password_hash::Error| PinError::Work(error.to_string());
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| PinError::Work(error.to_string()))?;
    let salt = SaltString::encode_b64(&salt).map_err(work)?;
    Ok(arithmetic()?.hash_password(pin.expose_secret().as_bytes(), &salt).map_err(work)?.to_string())
}

/// By the parameters in the verifier, whatever this version would take.
fn fits(pin: &SecretString, verifier: &str) -> Result<bool, PinError> {
    let work = |error: argon2::password_hash::Error| PinError::Work(error.to_string());
    let held = PasswordHash::new(verifier).map_err(work)?;
    match Argon2::default().verify_password(pin.expose_secret().as_bytes(), &held) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(error) => Err(work(error)),
    }
}

#[cfg(test)]
#[path = "pin_tests.rs"]
mod tests;
