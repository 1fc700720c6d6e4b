//! Money that came over the chain: it is claimed, for a fee that somebody has seen, or sent back.

use super::desk::Desk;
use super::keeper::{AskError, HelperState};
use super::protocol::{self, Answer, Call, Claim, Service};
use super::reach::Reach;
use super::receiving::astray;
use super::record::msats;
use crate::domain::money::Sats;
use crate::wallet::{Claimed, Deposit, DepositId, Health, Helper, WalletError};

impl Desk {
    pub async fn deposits(&self) -> Result<Vec<Deposit>, WalletError> {
        match self.ask(Call::Deposits, self.limits.remote).await {
            Ok(Answer::Deposits(found)) => Ok(found.into_iter().map(deposit).collect()),
            Ok(_) => Err(astray()),
            Err(error) => Err(error.into_error()),
        }
    }

    pub async fn claim(&self, deposit: DepositId, most_fee: Sats) -> Result<Claimed, WalletError> {
        let call = Call::Claim { txid: deposit.txid, vout: deposit.vout, most_fee: most_fee.0 };
        match self.ask(call, self.limits.send).await {
            Ok(Answer::Claimed(Claim::Settled(entry))) => Ok(Claimed::Settled { amount: msats(entry.sats) }),
            Ok(Answer::Claimed(Claim::Submitted)) => Ok(Claimed::UnderWay),
            Ok(Answer::Claimed(Claim::Deferred(why))) => Ok(Claimed::Deferred { why }),
            Ok(_) => Err(astray()),
            // Claiming twice does no harm, and the list shows whether it is still there.
            Err(AskError::Lost | AskError::Late(_)) => {
                Err(WalletError::Unreachable("it is not known whether the deposit was claimed".to_owned()))
            }
            Err(error) => Err(error.into_error()),
        }
    }

    /// Returns the transaction.
    pub async fn refund(&self, deposit: DepositId, to: String, fee: Sats) -> Result<String, WalletError> {
        let call = Call::Refund { txid: deposit.txid, vout: deposit.vout, to, fee: fee.0 };
        match self.ask(call, self.limits.send).await {
            Ok(Answer::Text(txid)) => Ok(txid),
            Ok(_) => Err(astray()),
            Err(AskError::Lost | AskError::Late(_)) => {
                Err(WalletError::Unknown("the list of deposits shows whether it was sent back".to_owned()))
            }
            Err(error) => Err(error.into_error()),
        }
    }

    /// How the wallet is, beside what it holds.
    pub fn health(&self) -> Health {
        let (helper, version, identity) = match self.keeper.state() {
            HelperState::Starting => (Helper::Starting, None, None),
            HelperState::Running { pid, opened } => (Helper::Running { pid }, Some(opened.version), Some(opened.identity)),
            HelperState::Restarting { why } => (Helper::Restarting { why }, None, None),
            HelperState::Refused { fault } => (Helper::Refused { why: fault.to_string() }, None, None),
            HelperState::Closed => (Helper::Restarting { why: "the wallet is closed".to_owned() }, None, None),
        };
        let (is_online, trouble, service) = match self.reach.borrow().clone() {
            Reach::Unknown => (false, None, None),
            Reach::Online { service } => (true, None, service.map(word)),
            Reach::Offline { reason } => (false, Some(reason), None),
        };
        Health { helper, restarts: self.keeper.restarts(), version, identity, network: self.network, is_online, trouble, service }
    }
}

fn deposit(found: protocol::Deposit) -> Deposit {
    Deposit {
        id: DepositId { txid: found.txid, vout: found.vout },
        amount: msats(found.sats),
        is_mature: found.is_mature,
        problem: found.problem.map(|problem| problem.to_string()),
        refund: found.refund,
    }
}

fn word(service: Service) -> String {
    let word = match service {
        Service::Operational => "operational",
        Service::Degraded => "degraded",
        Service::Partial => "partly down",
        Service::Unknown => "unknown",
        Service::Major => "down",
    };
    word.to_owned()
}
