//! What to do about an [`InferenceError`], in one sentence or two.

use super::InferenceError;

/// What the config calls the backend that needs no entry in `backends.openai`.
const OLLAMA: &str = "ollama";

impl InferenceError {
    /// What the operator can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreachable { backend, .. } if backend == OLLAMA => {
                "Start it with `ollama serve`, or set backends.ollama.url.".to_owned()
            }
            Self::Unreachable { backend, .. } => format!("Start the server, or correct the url of {backend:?} in backends.openai."),
            Self::ModelMissing { backend, model, .. } if backend == OLLAMA => {
                format!("Run `ollama pull {model}`, or ask for a model that is there.")
            }
            Self::ModelMissing { backend, model, .. } => format!("Load {model} in {backend}, or ask for a model that is there."),
            Self::ModelBroken { message, .. } if message.to_lowercase().contains("memory") => {
                "Close other programs, or choose a smaller model, then refresh the backends.".to_owned()
            }
            Self::ModelBroken { backend, model, .. } if backend == OLLAMA => {
                format!("Try `ollama run {model}`; if that fails too, `ollama pull {model}` again, then refresh the backends.")
            }
            Self::ModelBroken { backend, .. } => format!("Look at the log of {backend}, then refresh the backends."),
            Self::Refused { backend, status: 401 | 403, .. } => {
                format!("Set the environment variable that api_key_env names for {backend:?} in backends.openai to a valid key.")
            }
            Self::Refused { status: 429 | 503, .. } => "It is busy or still loading: try again in a moment.".to_owned(),
            Self::Refused { backend, .. } => format!("Check the url and the version of {backend}."),
            Self::Protocol { backend, .. } => {
                format!("Check that the url leads to {backend} itself and to a version that speaks its public protocol.")
            }
            Self::Interrupted { backend, .. } => format!("Look at the log of {backend}: it may have run out of memory or been stopped."),
            Self::Stalled { .. } => "Choose a smaller model, or raise provider.stall_secs.".to_owned(),
            Self::NothingReady => {
                "Start Ollama with `ollama serve` and get a model, such as `ollama pull llama3.2:3b`, or add a server to backends.openai."
                    .to_owned()
            }
            Self::Unsupported { backend, .. } => format!("Do it in {backend} itself."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_own_way_out() {
        let unreachable =
            |backend: &str| InferenceError::Unreachable { backend: backend.to_owned(), url: "u".to_owned(), reason: "r".to_owned() };
        assert_eq!(unreachable("ollama").hint(), "Start it with `ollama serve`, or set backends.ollama.url.");
        assert!(unreachable("studio").hint().contains("\"studio\" in backends.openai"));
        let missing = InferenceError::ModelMissing { backend: "ollama".to_owned(), model: "phi4".to_owned(), available: Vec::new() };
        assert!(missing.hint().starts_with("Run `ollama pull phi4`"));
        let broken =
            |message: &str| InferenceError::ModelBroken { backend: "b".to_owned(), model: "m".to_owned(), message: message.to_owned() };
        assert!(broken("model requires more system Memory (9 GiB)").hint().contains("smaller model"));
        assert!(broken("signal: killed").hint().contains("log of b"));
        let refused = |status| InferenceError::Refused { backend: "b".to_owned(), status, message: String::new() };
        assert!(refused(401).hint().contains("api_key_env"));
        assert!(refused(503).hint().contains("again"));
    }

    #[test]
    fn a_missing_model_is_named_with_what_is_there() {
        let missing =
            |available: Vec<String>| InferenceError::ModelMissing { backend: "ollama".to_owned(), model: "x".to_owned(), available };
        assert_eq!(missing(Vec::new()).to_string(), "ollama has no model named \"x\"");
        assert_eq!(missing(vec!["a".to_owned(), "b".to_owned()]).to_string(), "ollama has no model named \"x\"; there are a, b");
        let many = missing((0..11).map(|n| n.to_string()).collect()).to_string();
        assert!(many.ends_with("6, 7 and 3 more"), "{many}");
    }
}
