//! What a wallet answers.

use serde_json::Value;

use crate::domain::money::MilliSats;
use crate::nip90::text;
use crate::wallet::WalletError;

/// Characters kept of a wallet's own words.
const MAX_WORDS: usize = 200;

/// An answer: what was asked for, or no.
pub type Reply = Result<Value, Refusal>;

/// A wallet's no, with its code and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    pub message: String,
}

/// Reads an answer. `None`: it is none.
pub fn read(text: &str) -> Option<Reply> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    let object = value.as_object_mut()?;
    match object.get("error") {
        None | Some(Value::Null) => object.remove("result").filter(|result| !result.is_null()).map(Ok),
        Some(error) => {
            let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
            Some(Err(Refusal { code: clean(text("code"), 40).to_ascii_uppercase(), message: clean(text("message"), MAX_WORDS) }))
        }
    }
}

impl Refusal {
    /// The wallet has no such payment or invoice.
    pub fn is_not_found(&self) -> bool {
        let has_no_code = matches!(self.code.as_str(), "" | "OTHER" | "INTERNAL");
        self.code == "NOT_FOUND" || (has_no_code && self.message.to_ascii_lowercase().contains("not found"))
    }

    /// The invoice was paid before, perhaps by the very request that is answered.
    pub fn is_paid_before(&self) -> bool {
        let words = self.message.to_ascii_lowercase();
        self.code.contains("ALREADY_PAID") || (words.contains("already") && words.contains("paid"))
    }

    /// Whether this wallet needs the other cipher.
    pub fn is_wrong_cipher(&self) -> bool {
        self.code == "UNSUPPORTED_ENCRYPTION"
    }

    /// Whether nothing was even tried, by what NIP-47 says of the code. Other codes leave it open.
    pub fn never_tried(&self) -> bool {
        const NEVER: [&str; 7] = [
            "INSUFFICIENT_BALANCE",
            "QUOTA_EXCEEDED",
            "RESTRICTED",
            "UNAUTHORIZED",
            "NOT_IMPLEMENTED",
            "RATE_LIMITED",
            "UNSUPPORTED_ENCRYPTION",
        ];
        NEVER.contains(&self.code.as_str()) && !self.is_paid_before()
    }

    /// The payment was tried and has not reached the payee, or not in the time the wallet has waited.
    pub fn is_failed_payment(&self) -> bool {
        self.code == "PAYMENT_FAILED" && !self.is_paid_before()
    }

    /// Why a payment has failed, in the wallet's words.
    pub fn why_failed(self) -> String {
        if self.message.is_empty() { "the wallet found no way to pay it".to_owned() } else { self.message }
    }

    /// The wallet does not do what was asked, or this connection may not ask for it.
    pub fn is_unknown_method(&self) -> bool {
        matches!(self.code.as_str(), "NOT_IMPLEMENTED" | "RESTRICTED")
    }

    /// As the port says it. `method` is what was asked; `needed` and `available` are for an empty wallet.
    pub fn into_error(self, method: &'static str, needed: MilliSats, available: MilliSats) -> WalletError {
        match self.code.as_str() {
            "NOT_IMPLEMENTED" => WalletError::Unsupported(method),
            "INSUFFICIENT_BALANCE" => WalletError::Insufficient { needed: needed.0, available: available.0 },
            "QUOTA_EXCEEDED" => WalletError::Budget(self.words("raise this connection's budget in the wallet, or wait for it to renew")),
            "RESTRICTED" => WalletError::NotAllowed(self.words("this connection may not do that; allow it in the wallet")),
            "UNAUTHORIZED" => {
                WalletError::Refused(self.words("it does not know this connection; connect it anew with `pylon wallet connect`"))
            }
            "RATE_LIMITED" => WalletError::Refused(self.words("it is asked too often; try again in a minute")),
            _ => WalletError::Refused(self.words("it gives no reason")),
        }
    }

    /// The wallet's words and ours; ours alone when it says nothing.
    fn words(self, ours: &str) -> String {
        match (self.message.is_empty(), self.code.is_empty()) {
            (true, true) => ours.to_owned(),
            (true, false) => format!("{ours} ({})", self.code),
            (false, _) if matches!(self.code.as_str(), "" | "INTERNAL" | "OTHER") => self.message,
            (false, _) => format!("{}; {ours} ({})", self.message, self.code),
        }
    }
}

/// Somebody's words in one line, without characters that steer a screen, and not too many.
pub fn clean(words: &str, most: usize) -> String {
    text::line(words, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_result_or_a_no_and_nothing_else() {
        assert_eq!(read(r#"{"result_type":"made_up","error":null,"result":{"x":1}}"#), Some(Ok(serde_json::json!({"x": 1}))));
        let no = read(r#"{"error":{"code":"quota_exceeded","message":"to\u0007o much","more":1}}"#);
        assert_eq!(no, Some(Err(Refusal { code: "QUOTA_EXCEEDED".into(), message: "too much".into() })));
        for broken in ["", "x", "[]", "{}", r#"{"result":null}"#] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }

    #[test]
    fn only_codes_that_say_so_mean_that_nothing_was_paid() {
        let no = |code: &str, message: &str| Refusal { code: code.into(), message: message.into() };
        assert!(no("RATE_LIMITED", "").never_tried() && no("PAYMENT_FAILED", "no route").is_failed_payment());
        for open in [no("INTERNAL", ""), no("OTHER", "timeout"), no("", ""), no("NEW_CODE", ""), no("PAYMENT_FAILED", "Already paid")] {
            assert!(!open.never_tried() && !open.is_failed_payment(), "{open:?}");
        }
    }
}
