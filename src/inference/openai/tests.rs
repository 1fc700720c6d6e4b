#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use futures_util::StreamExt as _;
use serde_json::json;

use super::*;
use crate::domain::model::{FinishReason, Usage};
use crate::domain::request::Sampling;
use crate::inference::test_server::{Ending, Reply, TestServer, all, client, soon};

const LIMIT: Duration = Duration::from_secs(10);

fn backend(server: &TestServer) -> OpenAi {
    OpenAi::new("studio", &format!("{}/v1/", server.url), Some("sk-secret".into()), client())
}

fn prompt() -> Prompt {
    Prompt { model: "qwen".to_owned(), system: None, text: "hi".to_owned(), sampling: Sampling::default() }
}

fn text(text: &str) -> Result<Token, InferenceError> {
    Ok(Token::Text(text.to_owned()))
}

fn say(content: &str) -> String {
    format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": null}], "usage": null}))
}

fn finish(reason: &str) -> String {
    format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
}

async fn run(body: String) -> Vec<Result<Token, InferenceError>> {
    let server = TestServer::start(move |_| Reply::ok(body.as_str())).await;
    all(backend(&server).generate(prompt()).await.unwrap()).await
}

fn end(
    prompt_tokens: Option<u32>,
    answer_tokens: Option<u32>,
    answer_ns: Option<u64>,
    finish: FinishReason,
) -> Result<Token, InferenceError> {
    Ok(Token::End(Usage { prompt_tokens, answer_tokens, answer_ns, finish }))
}

#[tokio::test]
async fn usage_in_a_chunk_of_its_own_is_counted_without_inventing_a_speed() {
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n";
    let said = run([&say(""), &say("Hel"), &say("lo"), &finish("stop"), usage, "data: [DONE]\n\n"].concat()).await;
    assert_eq!(said, [text("Hel"), text("lo"), end(Some(9), Some(2), None, FinishReason::Stop)]);
}

#[tokio::test]
async fn llama_cpp_tells_its_own_time() {
    let last = json!({
        "choices": [{"delta": {}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 31},
        "timings": {"prompt_n": 4, "predicted_n": 30, "predicted_ms": 1500.0},
    });
    let said = run(format!("{}data: {last}\n\ndata: [DONE]\n\n", say("a"))).await;
    assert_eq!(said, [text("a"), end(Some(9), Some(30), Some(1_500_000_000), FinishReason::Length)]);
    let Ok(Token::End(usage)) = &said[1] else { panic!("no end") };
    assert_eq!(usage.tokens_per_sec(), Some(20.0));
}

#[tokio::test]
async fn comments_line_ends_and_split_chunks_change_nothing() {
    let server = TestServer::start(|_| {
        Reply::chunks(&[
            ": ping\r\n\r\nda",
            "ta: {\"choices\":[{\"delta\":{\"content\":\"\u{20bf}\"}}]}\r",
            "\n\r\n",
            "data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DO",
            "NE]",
        ])
    })
    .await;
    let said = all(backend(&server).generate(prompt()).await.unwrap()).await;
    assert_eq!(said, [text("₿"), text("b"), end(None, None, None, FinishReason::Stop)]);
}

#[tokio::test]
async fn thoughts_are_only_a_sign_of_life() {
    let thought = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n";
    let said = run([thought, &say("yes"), &finish("stop"), "data: [DONE]\n\n"].concat()).await;
    assert_eq!(said[..2], [text(""), text("yes")]);
}

#[tokio::test]
async fn an_answer_that_said_why_it_ended_needs_no_last_event_and_another_does() {
    let said = run([say("a"), finish("stop")].concat()).await;
    assert_eq!(said[1], end(None, None, None, FinishReason::Stop));
    let said = run(say("a")).await;
    assert!(matches!(said[1], Err(InferenceError::Interrupted { .. })), "{said:?}");
}

#[tokio::test]
async fn an_error_in_the_middle_is_the_answers_end_however_it_is_written() {
    for error in [
        "data: {\"error\":{\"code\":500,\"message\":\"out of memory\"}}\n\n",
        "error: {\"code\":500,\"message\":\"out of memory\"}\n\n",
        "event: error\ndata: {\"error\":\"out of memory\"}\n\n",
        "event: error\ndata: out of memory\n\n",
    ] {
        let said = run([&say("a"), error, &finish("stop"), "data: [DONE]\n\n"].concat()).await;
        assert_eq!(said.len(), 2, "{error}");
        assert!(
            matches!(&said[1], Err(InferenceError::ModelBroken { message, .. }) if message == "out of memory"),
            "{error} {:?}",
            said[1]
        );
    }
}

#[tokio::test]
async fn each_status_is_its_own_error_and_none_shows_the_key() {
    for (status, check) in [
        (404, (|error| matches!(error, InferenceError::ModelMissing { .. })) as fn(&InferenceError) -> bool),
        (500, |error| matches!(error, InferenceError::ModelBroken { message, .. } if message == "its words")),
        (401, |error| matches!(error, InferenceError::Refused { status: 401, .. })),
        (503, |error| matches!(error, InferenceError::Refused { status: 503, .. })),
    ] {
        let server = TestServer::start(move |_| Reply::with(status, r#"{"error":{"message":"its words"}}"#)).await;
        let backend = backend(&server);
        let error = backend.generate(prompt()).await.err().unwrap();
        assert!(check(&error), "{status} {error:?}");
        assert!(!format!("{error:?} {error} {} {backend:?}", error.hint()).contains("sk-secret"));
    }
}

#[tokio::test]
async fn every_option_the_key_and_the_wish_for_usage_arrive() {
    let mut server = TestServer::start(|_| Reply::ok("data: [DONE]\n\n")).await;
    let sampling = Sampling {
        max_tokens: Some(77),
        temperature: Some(0.25),
        top_k: Some(11),
        top_p: Some(0.5),
        frequency_penalty: Some(-1.5),
        seed: Some(-42),
        stop: vec!["END".to_owned()],
    };
    let backend = backend(&server);
    all(backend.generate(Prompt { system: Some("be brief".to_owned()), sampling, ..prompt() }).await.unwrap()).await;
    let request = server.asked().await;
    assert!(request.is("POST", "/v1/chat/completions"));
    assert!(request.head.contains("authorization: Bearer sk-secret"));
    let sent = json!({
        "model": "qwen", "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 77, "temperature": 0.25, "top_k": 11,
        "top_p": 0.5, "frequency_penalty": -1.5, "seed": -42, "stop": ["END"],
    });
    assert_eq!(request.json(), sent);
    all(backend.generate(prompt()).await.unwrap()).await;
    let sent = json!({"model": "qwen", "messages": [{"role": "user", "content": "hi"}], "stream": true, "stream_options": {"include_usage": true}});
    assert_eq!(server.asked().await.json(), sent);
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let mut server = TestServer::start(|_| Reply::ok(say("a")).ending(Ending::Hang)).await;
    let mut tokens = backend(&server).generate(prompt()).await.unwrap();
    assert_eq!(soon(tokens.next()).await.unwrap(), text("a"));
    drop(tokens);
    assert_eq!(server.let_go().await, "/v1/chat/completions");
}

#[tokio::test]
async fn a_probe_reads_what_each_kind_of_server_says_about_its_models() {
    let models = json!({"object": "list", "data": [
        {"id": "vllm/model", "max_model_len": 32_768},
        {"id": "llama.gguf", "meta": {"n_ctx_train": 131_072, "n_ctx": 4096, "size": 99}},
        {"id": "router", "status": {"value": "unloaded"}},
        {"id": "text-embedding-nomic-embed-text-v1.5"},
    ]});
    for suffix in ["", "/", "/v1", "/v1/"] {
        let models = models.to_string();
        let mut server = TestServer::start(move |_| Reply::ok(models.as_str())).await;
        let backend = OpenAi::new("studio", &format!("{}{suffix}", server.url), None, client());
        let probe = backend.probe(LIMIT).await.unwrap();
        let seen = probe.models.iter().map(|model| (model.name.as_str(), model.context_tokens, model.size_bytes, model.warm));
        let expected =
            [("vllm/model", Some(32_768), None, None), ("llama.gguf", Some(4096), Some(99), None), ("router", None, None, Some(false))];
        assert_eq!(seen.collect::<Vec<_>>(), expected);
        let request = server.asked().await;
        assert!(request.is("GET", "/v1/models") && !request.head.contains("authorization"), "{suffix}");
    }
}

#[tokio::test]
async fn it_cannot_download_models() {
    let server = TestServer::start(|_| Reply::ok("")).await;
    let error = backend(&server).pull("x".to_owned()).await.err().unwrap();
    assert_eq!(error.to_string(), "studio cannot download models");
}
