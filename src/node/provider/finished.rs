//! What reports back to the provider when something that took time is over.

use super::queue::Accepted;
use super::till::Quote;
use crate::domain::ids::{JobId, PaymentHash};
use crate::store::JobRow;

/// What reports back to the provider.
pub(super) enum Finished {
    /// A claim was committed; `None` when the request was known already or the ledger failed.
    Claimed(Option<Box<Accepted>>),
    /// A run ended and its slot is free.
    Ran(JobId),
    /// Its buyer deleted the request.
    CalledOff(JobId),
    /// A quote was stored and sent; `None`: there will be none.
    Quoted(JobId, Option<Box<Quote>>),
    /// Word of a payment that is new: the job stands like this now.
    Paid(Box<JobRow>),
    /// Paid, by the wallet's own record.
    Heard(Vec<PaymentHash>),
    /// A payment could not be written down: the wallet's list has to be read again.
    Unheard,
    /// The wallet's own list was held against the ledger.
    Reconciled {
        paid: Vec<PaymentHash>,
        complete: bool,
    },
    /// A paid job that has been read again.
    ToRun(Box<Accepted>),
    Nothing,
}
