//! The real wallet: each call of the protocol, made of the library's.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc::UnboundedSender;

use super::serve::{Opener, Session};
use super::translate::{claim, deposit, entry, fault, inspected, is_no_payment, mishap, network, open_fault, quote, service};
use crate::domain::payment::Direction;
use crate::wallet::spark::ffi::bindings as lib;
use crate::wallet::spark::ffi::bindings::{CONTRACT, Library};
use crate::wallet::spark::ffi::{LoadError, Secret};
use crate::wallet::spark::library::{LibraryError, Verified, pinned};
use crate::wallet::spark::protocol::{
    Answer, Call, Entry, Fault, FromHelper, News, OpenFault, Opened, Opening, Probe, Quote, Reading, Servers,
};

/// How long the library waits for a Lightning payment to arrive before it calls it pending, in seconds.
const COMPLETION_SECS: u32 = 20;
/// Payments on their way that are added up.
const MOST_PENDING: u32 = 1_000;
/// How often balance and pending sums are read until they belong together.
const READINGS: usize = 5;
/// A door on this machine that nobody opens.
const NOBODY: &str = "http://127.0.0.1:9";
/// What of the library's log is worth a line.
const LOG: &str = "warn";

/// Opens wallets of the Spark library.
#[derive(Debug, Clone, Copy)]
pub struct Spark;

/// One that is open.
struct Wallet {
    library: &'static Library,
    sdk: lib::BreezSdk,
}

impl Opener for Spark {
    fn open(
        self,
        opening: Opening,
        news: UnboundedSender<FromHelper>,
    ) -> BoxFuture<'static, Result<(Opened, Arc<dyn Session>), OpenFault>> {
        async move {
            let (wallet, opened) = Wallet::open(opening, news).await?;
            Ok((opened, Arc::new(wallet) as Arc<dyn Session>))
        }
        .boxed()
    }
}

/// What the library tells by itself.
struct Listener(UnboundedSender<FromHelper>);

impl lib::EventListener for Listener {
    fn on_event(&self, event: lib::SdkEvent) {
        use lib::SdkEvent as Event;
        let news = match event {
            Event::PaymentSucceeded { payment }
            | Event::PaymentPending { payment }
            | Event::PaymentFailed { payment }
            | Event::PaymentMetadataUpdated { payment } => match entry(payment) {
                Ok(entry) => News::Payment(Box::new(entry)),
                Err(fault) => return self.say("ERROR", &fault.to_string()),
            },
            Event::Synced => News::Synced,
            Event::UnclaimedDeposits { .. } | Event::ClaimedDeposits { .. } | Event::NewDeposits { .. } => News::Deposits,
            Event::AutoOptimization { .. }
            | Event::LightningAddressChanged { .. }
            | Event::UnilateralExitStateChanged
            | Event::StableBalanceConversionFailed { .. }
            | Event::RecoverableFunds { .. } => return,
        };
        let _ = self.0.send(FromHelper::News(news));
    }
}

impl lib::Logger for Listener {
    fn log(&self, l: lib::LogEntry) {
        self.say(&l.level, &l.line);
    }
}

impl Listener {
    fn say(&self, level: &str, line: &str) {
        let _ = self.0.send(FromHelper::Log { level: level.to_owned(), line: crate::logging::redact(line) });
    }
}

/// Loads the library, if it is the right one.
fn load(opening: &Opening) -> Result<&'static Library, OpenFault> {
    let verified = Verified::open(&opening.library).map_err(|error| match error {
        LibraryError::Wrong { path, found, .. } => OpenFault::WrongLibrary { path, found },
        LibraryError::Missing(_) => OpenFault::NoLibrary,
        LibraryError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => OpenFault::NoLibrary,
        error => OpenFault::Load(error.to_string()),
    })?;
    Library::load(&verified.path()).map_err(|error| match error {
        LoadError::Open { why, .. } if why.contains("GLIBC_") => OpenFault::OldSystem,
        error => OpenFault::Load(error.to_string()),
    })
}

fn config(library: &'static Library, opening: &Opening) -> Result<lib::Config, OpenFault> {
    let mut config = library.default_config(network(opening.network)).map_err(|error| OpenFault::Other(error.to_string()))?;
    config.api_key = Secret::new(opening.api_key.as_ref().map(|key| key.expose().to_owned()));
    // With it, an address of this wallet's could not be shown before the network was reached once.
    config.private_enabled_default = false;
    // No fee is paid that nobody has seen: deposits are claimed when somebody says so.
    config.max_deposit_claim_fee = None;
    // Nobody is asked what a text means.
    config.use_default_external_input_parsers = false;
    // What it would keep in common between machines is not used here.
    config.real_time_sync_server_url = None;
    if opening.servers == Servers::Nobody
        && let Some(spark) = &mut config.spark_config
    {
        spark.signing_operators.iter_mut().for_each(|operator| NOBODY.clone_into(&mut operator.address));
        NOBODY.clone_into(&mut spark.ssp_config.base_url);
    }
    Ok(config)
}

impl Wallet {
    async fn open(opening: Opening, news: UnboundedSender<FromHelper>) -> Result<(Self, Opened), OpenFault> {
        let library = load(&opening)?;
        // It keeps one logger for ever; a second one in the same process is refused, and that is all.
        let _ = library.init_logging(None, Some(Arc::new(Listener(news.clone()))), Some(LOG.to_owned()));
        let config = config(library, &opening)?;
        let seed = lib::Seed::Mnemonic { mnemonic: Secret::new(opening.words.expose().to_owned()), passphrase: Secret::new(None) };
        let other = |error: Fault| OpenFault::Other(error.to_string());
        let builder = lib::SdkBuilder::new(library, config, seed).map_err(mishap).map_err(other)?;
        let storage = opening.storage.to_string_lossy().into_owned();
        builder.with_default_storage(storage).await.map_err(mishap).map_err(other)?;
        let sdk = builder.build().await.map_err(open_fault)?;
        sdk.add_event_listener(Arc::new(Listener(news))).await.map_err(mishap).map_err(other)?;
        let info = sdk.get_info(lib::GetInfoRequest { ensure_synced: Some(false) }).await.map_err(fault).map_err(other)?;
        let version = pinned().map(|pinned| pinned.version).unwrap_or_default().to_owned();
        Ok((Self { library, sdk }, Opened { version, contract: CONTRACT, identity: info.identity_pubkey }))
    }

    async fn answer(&self, call: Call) -> Result<Answer, Fault> {
        match call {
            Call::Ping => Ok(Answer::Done),
            Call::Read => self.read().await.map(Answer::Reading),
            Call::Probe => Ok(Answer::Probe(self.probe().await)),
            Call::Sync => self.sdk.sync_wallet(lib::SyncWalletRequest {}).await.map_err(fault).map(|_| Answer::Done),
            Call::SparkAddress => self.receive(lib::ReceivePaymentMethod::SparkAddress).await,
            Call::OnChainAddress => self.receive(lib::ReceivePaymentMethod::BitcoinAddress { new_address: None }).await,
            Call::Invoice { sats, description, expiry_secs } => {
                let method = lib::ReceivePaymentMethod::Bolt11Invoice {
                    description,
                    amount_sats: Some(sats),
                    expiry_secs: Some(expiry_secs),
                    payment_hash: None,
                    receiver_identity_public_key: None,
                };
                self.receive(method).await
            }
            Call::Inspect { text } => inspected(self.sdk.parse(text).await.map_err(fault)?).map(Answer::Inspected),
            Call::Prepare { to, sats } => self.prepare(to, sats).await.map(|(_, quote)| Answer::Prepared(quote)),
            Call::Send { to, sats, most_fee, key } => self.send(to, sats, most_fee, key).await,
            Call::Payment { id } => self.payment(id).await.map(|found| Answer::Payment(found.map(Box::new))),
            Call::Payments { before_secs, offset, limit } => self.payments(None, before_secs, offset, limit).await.map(Answer::Payments),
            Call::Deposits => {
                let listed = self.sdk.list_unclaimed_deposits(lib::ListUnclaimedDepositsRequest {}).await.map_err(fault)?;
                Ok(Answer::Deposits(listed.deposits.into_iter().map(deposit).collect()))
            }
            Call::Claim { txid, vout, most_fee } => {
                let max_fee = lib::MaxFee { onchain: lib::MaxOnchainFee::Fixed { amount: most_fee }, proportional_ppm: None };
                let request = lib::ClaimDepositRequest { txid, vout, max_fee: Some(max_fee) };
                claim(self.sdk.claim_deposit(request).await.map_err(fault)?.outcome).map(Answer::Claimed)
            }
            Call::Refund { txid, vout, to, fee: amount } => {
                let request = lib::RefundDepositRequest { txid, vout, destination_address: to, fee: lib::Fee::Fixed { amount } };
                Ok(Answer::Text(self.sdk.refund_deposit(request).await.map_err(fault)?.tx_id))
            }
            Call::LightningAddress => {
                let found = self.sdk.get_lightning_address().await.map_err(fault)?;
                Ok(Answer::Name(found.map(|info| info.lightning_address)))
            }
            Call::Register { name } => {
                let request = lib::RegisterLightningAddressRequest { username: name, description: None };
                let info = self.sdk.register_lightning_address(request).await.map_err(fault)?;
                Ok(Answer::Name(Some(info.lightning_address)))
            }
            Call::Release => self.sdk.delete_lightning_address().await.map_err(fault).map(|()| Answer::Done),
        }
    }

    async fn receive(&self, payment_method: lib::ReceivePaymentMethod) -> Result<Answer, Fault> {
        let made = self.sdk.receive_payment(lib::ReceivePaymentRequest { payment_method }).await.map_err(fault)?;
        Ok(Answer::Text(made.payment_request))
    }

    /// Balance and pending sums. Between reading the one and the other a payment may end; then both are read again.
    async fn read(&self) -> Result<Reading, Fault> {
        let mut balance = self.balance().await?;
        let mut reading = Reading::default();
        for _ in 0..READINGS {
            let pending = self.payments(Some(vec![lib::PaymentStatus::Pending]), None, 0, MOST_PENDING).await?;
            reading = Reading { sats: balance, ..Reading::default() };
            for entry in pending {
                match entry.direction {
                    Direction::In => reading.pending_in = reading.pending_in.saturating_add(entry.sats),
                    Direction::Out => {
                        reading.pending_out = reading.pending_out.saturating_add(entry.sats).saturating_add(entry.fee);
                    }
                }
            }
            let again = self.balance().await?;
            if again == balance {
                break;
            }
            balance = again;
        }
        Ok(reading)
    }

    async fn balance(&self) -> Result<u64, Fault> {
        let info = self.sdk.get_info(lib::GetInfoRequest { ensure_synced: Some(false) }).await;
        info.map(|info| info.balance_sats).map_err(fault)
    }

    /// An address on the chain is asked for because only the operators can give it; it is the same one each time.
    async fn probe(&self) -> Probe {
        let operators = async { self.receive(lib::ReceivePaymentMethod::BitcoinAddress { new_address: None }).await.map(drop) };
        let status = self.library.get_spark_status(lib::GetSparkStatusRequest { proxy: None });
        let (operators, status) = tokio::join!(operators, status);
        Probe { operators, service: status.ok().map(|status| service(&status.status)) }
    }

    async fn prepare(&self, to: String, amount: Option<u64>) -> Result<(lib::PrepareSendPaymentResponse, Quote), Fault> {
        // What says itself how much it wants is not told so as well.
        let amount = match self.sdk.parse(to.clone()).await {
            Ok(lib::InputType::SparkInvoice(invoice)) if invoice.amount.is_some() => None,
            _ => amount,
        };
        let request = lib::PrepareSendPaymentRequest {
            payment_request: lib::PaymentRequest::Input { input: to },
            amount: amount.map(|sats| sats.to_string()),
            token_identifier: None,
            conversion_options: None,
            fee_policy: Some(lib::FeePolicy::FeesExcluded),
        };
        let prepared = self.sdk.prepare_send_payment(request).await.map_err(fault)?;
        let quote = quote(&prepared)?;
        Ok((prepared, quote))
    }

    async fn send(&self, to: String, amount: Option<u64>, most_fee: u64, key: String) -> Result<Answer, Fault> {
        // What this key has paid cannot be prepared again, and need not be.
        if let Some(found) = self.payment(key.clone()).await? {
            return Ok(Answer::Sent(Box::new(found)));
        }
        let (prepare_response, quote) = self.prepare(to, amount).await?;
        if quote.fee > most_fee {
            return Err(Fault::Fee { needed: quote.fee, allowed: most_fee });
        }
        let options = match &prepare_response.payment_method {
            lib::SendPaymentMethod::BitcoinAddress { .. } => {
                Some(lib::SendPaymentOptions::BitcoinAddress { confirmation_speed: lib::OnchainConfirmationSpeed::Medium })
            }
            lib::SendPaymentMethod::Bolt11Invoice { .. } => {
                Some(lib::SendPaymentOptions::Bolt11Invoice { prefer_spark: false, completion_timeout_secs: Some(COMPLETION_SECS) })
            }
            _ => None,
        };
        let request = lib::SendPaymentRequest { prepare_response, options, idempotency_key: Some(key) };
        match self.sdk.send_payment(request).await.map_err(fault) {
            // It has begun: whatever is wrong from here on does not undo that.
            Ok(sent) => Ok(entry(sent.payment).map_or_else(|fault| Answer::Unsure(fault.to_string()), |sent| Answer::Sent(Box::new(sent)))),
            // Found before anything moves.
            Err(Fault::Insufficient) => Err(Fault::Insufficient),
            Err(fault) => Ok(Answer::Unsure(fault.to_string())),
        }
    }

    async fn payment(&self, payment_id: String) -> Result<Option<Entry>, Fault> {
        match self.sdk.get_payment(lib::GetPaymentRequest { payment_id }).await.map_err(fault) {
            Ok(found) => entry(found.payment).map(Some),
            Err(fault) if is_no_payment(&fault) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn payments(
        &self,
        states: Option<Vec<lib::PaymentStatus>>,
        before_secs: Option<u64>,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<Entry>, Fault> {
        let request = lib::ListPaymentsRequest {
            type_filter: None,
            status_filter: states,
            asset_filter: Some(lib::AssetFilter::Bitcoin),
            payment_details_filter: None,
            from_timestamp: None,
            to_timestamp: before_secs,
            offset: Some(offset),
            limit: Some(limit),
            sort_ascending: Some(false),
        };
        self.sdk.list_payments(request).await.map_err(fault)?.payments.into_iter().map(entry).collect()
    }
}

impl Session for Wallet {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Answer, Fault>> {
        self.answer(call).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            // It is the end either way.
            let _ = self.sdk.disconnect().await;
        }
        .boxed()
    }
}
