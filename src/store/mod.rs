//! The ledger: `pylon.db`, SQLite in WAL mode with a full sync at every commit.
//!
//! One thread writes. Callers queue their writes and get a [`Pending`] to await; the thread takes what is queued, runs
//! it in one transaction with a savepoint each, commits once, and answers everybody: a busy node pays for one disk sync
//! where it would have paid for many, and an acknowledged write is on disk. Readers open the file for themselves.
//!
//! Every change of a job, and of a request of our own, goes through [`Standing::apply`](crate::domain::job::Standing::apply) and writes one journal
//! row and one update in the same transaction. Nothing outside this room knows SQL.

mod aside;
mod earnings;
mod error;
mod jobs;
mod money;
mod offers;
mod open;
mod outflow;
mod purchase_rows;
mod purchases;
mod reader;
mod rows;
mod spend_lock;
mod spending;
mod stats;
mod totals;
mod writer;

#[cfg(test)]
mod effort_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod keeping_tests;
#[cfg(test)]
mod late_tests;
#[cfg(test)]
mod money_tests;
#[cfg(test)]
mod offer_tests;
#[cfg(test)]
mod purchase_tests;
#[cfg(test)]
mod result_first_tests;
#[cfg(test)]
mod tests;

pub use earnings::{EarningsBy, EarningsRow};
pub use error::{Ailment, StoreError};
pub use jobs::{Claim, NewJob, StartedRun, StoredAnswer};
pub use money::{BookedPayment, Booking, MoneySums, OpenInvoice, Settlement};
pub use offers::Offer;
pub use purchase_rows::{PurchaseDetail, PurchaseJournalRow, PurchasePage, PurchaseRow};
pub use purchases::{NewPurchase, OpenPurchase, PurchaseStep, Secret, TakenAnswer};
pub use reader::Reader;
pub use rows::{JobDetail, JobRecord, JobRow, JobsQuery, JournalRow, Page, PageKey, Publication, PublicationKind, UnfinishedJob};
pub use spend_lock::PinTry;
pub use spending::{Ended, PendingSpend, Purpose, Reserved, SentBack, Spend};
pub use stats::{Span, Stats};
pub use totals::{PurchaseTimes, PurchaseTotals};
pub use writer::{FaultPoint, Line, Observer, Pending, Step, StepTime, Store, StoreOptions};
