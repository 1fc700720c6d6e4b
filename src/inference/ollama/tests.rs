#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::*;
use crate::domain::model::{FinishReason, Usage};
use crate::domain::request::Sampling;
use crate::inference::Token;
use crate::inference::lines::MAX_LINE;
use crate::inference::test_server::{Ending, Reply, Request, Step, TestServer, all, client, gate, soon};

const LIMIT: Duration = Duration::from_secs(10);

fn ollama(server: &TestServer) -> Ollama {
    Ollama::new("ollama", &server.url, client())
}

fn prompt(text: &str) -> Prompt {
    Prompt { model: "llama3.2:3b".to_owned(), system: None, text: text.to_owned(), sampling: Sampling::default() }
}

fn text(text: &str) -> Result<Token, InferenceError> {
    Ok(Token::Text(text.to_owned()))
}

fn send(line: Value) -> Step {
    Step::Send(format!("{line}\n").into_bytes())
}

const END: &str = "{\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":26,\"eval_count\":30,\"eval_duration\":1500000000}\n";

/// Runs a prompt against one scripted answer.
async fn run(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<Vec<Result<Token, InferenceError>>, InferenceError> {
    let server = TestServer::start(move |_| reply()).await;
    Ok(all(ollama(&server).generate(prompt("hi")).await?).await)
}

#[tokio::test]
async fn tokens_come_as_they_are_sent_and_in_order() {
    let (open, wait) = gate();
    let steps = Mutex::new(Some(vec![
        send(json!({"response": "Hel", "done": false})),
        wait,
        send(json!({"response": "lo", "done": false})),
        Step::Send(END.into()),
    ]));
    let server = TestServer::start(move |_| Reply::steps(steps.lock().unwrap().take().unwrap())).await;
    let mut tokens = ollama(&server).generate(prompt("hi")).await.unwrap();
    assert_eq!(soon(tokens.next()).await.unwrap(), text("Hel"));
    open.send(()).unwrap();
    assert_eq!(soon(tokens.next()).await.unwrap(), text("lo"));
    let end = soon(tokens.next()).await.unwrap().unwrap();
    let usage = Usage { prompt_tokens: Some(26), answer_tokens: Some(30), answer_ns: Some(1_500_000_000), finish: FinishReason::Stop };
    assert_eq!(end, Token::End(usage));
    assert_eq!(usage.tokens_per_sec(), Some(20.0));
    assert!(soon(tokens.next()).await.is_none());
}

#[tokio::test]
async fn lines_cut_anywhere_or_sharing_a_chunk_make_the_same_answer() {
    let said = run(|| {
        Reply::chunks(&[
            "{\"respo",
            "nse\":\"a\"}\n{\"response\":\"b\"}\n\n{\"response\":\"",
            "c\",\"done\":true,\"done_reason\":\"length\"}",
        ])
    })
    .await
    .unwrap();
    let end = Usage { prompt_tokens: None, answer_tokens: None, answer_ns: None, finish: FinishReason::Length };
    assert_eq!(said, [text("a"), text("b"), text("c"), Ok(Token::End(end))]);
}

#[tokio::test]
async fn an_error_in_the_middle_is_the_answers_end_and_not_skipped() {
    let said = run(|| Reply::chunks(&["{\"response\":\"a\"}\n{\"error\":\"llama runner terminated\"}\n", END])).await.unwrap();
    let broken = InferenceError::ModelBroken {
        backend: "ollama".to_owned(),
        model: "llama3.2:3b".to_owned(),
        message: "llama runner terminated".to_owned(),
    };
    assert_eq!(said, [text("a"), Err(broken)]);
}

#[tokio::test]
async fn an_answer_without_its_last_line_is_interrupted_however_it_ends() {
    for ending in [Ending::Proper, Ending::Abrupt] {
        let said = run(move || Reply::chunks(&["{\"response\":\"a\"}\n"]).ending(ending)).await.unwrap();
        assert_eq!(said.len(), 2);
        assert!(matches!(said[1], Err(InferenceError::Interrupted { .. })), "{ending:?} {:?}", said[1]);
    }
}

#[tokio::test]
async fn what_is_not_the_protocol_is_said_without_quoting_it() {
    let long = format!("{{\"response\":\"{}\"}}\n", "x".repeat(MAX_LINE));
    for (body, expected) in [
        (b"<html>my prompt</html>\n".to_vec(), "not JSON"),
        (b"{\"response\":{\"my prompt\":1}}\n".to_vec(), "wrong kind"),
        (b"{\"response\":\"\xff\"}\n".to_vec(), "UTF-8"),
        (long.into_bytes(), "more than 1048576 bytes"),
    ] {
        let said = run(move || Reply::ok(body.clone())).await.unwrap();
        let [Err(error @ InferenceError::Protocol { .. })] = said.as_slice() else { panic!("{expected}: {said:?}") };
        assert!(error.to_string().contains(expected) && !error.to_string().contains("my prompt"), "{error}");
    }
}

#[tokio::test]
async fn each_status_is_its_own_error_with_the_servers_words() {
    let status = async |status| run(move || Reply::with(status, r#"{"error":"its words"}"#)).await.err().unwrap();
    assert!(matches!(status(404).await, InferenceError::ModelMissing { model, .. } if model == "llama3.2:3b"));
    assert!(matches!(status(500).await, InferenceError::ModelBroken { message, .. } if message == "its words"));
    assert!(matches!(status(400).await, InferenceError::Refused { status: 400, message, .. } if message == "its words"));
    let busy = status(503).await;
    assert!(matches!(busy, InferenceError::Refused { status: 503, .. }), "a busy server says nothing about the model: {busy}");
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let mut server = TestServer::start(|_| Reply::chunks(&["{\"response\":\"a\"}\n"]).ending(Ending::Hang)).await;
    let mut tokens = ollama(&server).generate(prompt("hi")).await.unwrap();
    assert_eq!(soon(tokens.next()).await.unwrap(), text("a"));
    drop(tokens);
    assert_eq!(server.let_go().await, "/api/generate");
}

#[tokio::test]
async fn every_option_arrives_as_it_was_sent() {
    let mut server = TestServer::start(|_| Reply::ok(END)).await;
    let sampling = Sampling {
        max_tokens: Some(77),
        temperature: Some(0.25),
        top_k: Some(11),
        top_p: Some(0.5),
        frequency_penalty: Some(-1.5),
        seed: Some(-42),
        stop: vec!["\n\n".to_owned(), "END".to_owned()],
    };
    let options = json!({"num_predict": 77, "temperature": 0.25, "top_k": 11, "top_p": 0.5, "frequency_penalty": -1.5, "seed": -42, "stop": ["\n\n", "END"]});
    let plain = Prompt { sampling, ..prompt("say \"₿\"") };
    all(ollama(&server).generate(plain.clone()).await.unwrap()).await;
    let request = server.asked().await;
    assert!(request.is("POST", "/api/generate"));
    assert_eq!(request.json(), json!({"model": "llama3.2:3b", "prompt": "say \"₿\"", "stream": true, "options": options}));

    all(ollama(&server).generate(Prompt { system: Some("be brief".to_owned()), ..plain }).await.unwrap()).await;
    let request = server.asked().await;
    assert!(request.is("POST", "/api/chat"));
    let messages = json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "say \"₿\""}]);
    assert_eq!(request.json(), json!({"model": "llama3.2:3b", "messages": messages, "stream": true, "options": options}));
}

#[tokio::test]
async fn a_chat_answer_is_read_and_thoughts_are_only_a_sign_of_life() {
    let said = run(|| {
        Reply::chunks(&[
            "{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\"}}\n",
            "{\"message\":{\"role\":\"assistant\",\"content\":\"yes\"}}\n",
            END,
        ])
    })
    .await
    .unwrap();
    assert_eq!(said[..2], [text(""), text("yes")]);
    assert_eq!(said.len(), 3);
}

fn server_with_four_models(request: &Request) -> Reply {
    match request.path.as_str() {
        "/api/version" => Reply::ok(r#"{"version":"0.12.3"}"#),
        "/api/tags" => Reply::ok(
            json!({"models": [
                {"name": "llama3.2:3b", "size": 2_019_393_189_u64, "digest": "d1"},
                {"name": "nomic-embed-text:latest", "size": 1, "digest": "d2"},
                {"name": "qwen3:latest", "digest": "d3"},
                {"name": "broken:latest", "size": 4, "digest": "d4"},
            ]})
            .to_string(),
        ),
        "/api/ps" => Reply::ok(r#"{"models":[{"name":"qwen3:latest","size_vram":1}]}"#),
        "/api/show" => match request.json()["model"].as_str().unwrap() {
            "llama3.2:3b" => Reply::ok(r#"{"capabilities":["completion"],"model_info":{"llama.context_length":131072}}"#),
            "nomic-embed-text:latest" => Reply::ok(r#"{"capabilities":["embedding"]}"#),
            "qwen3:latest" => Reply::ok(r#"{"capabilities":["completion","thinking"]}"#),
            _ => Reply::with(500, r#"{"error":"cannot read the file"}"#),
        },
        _ => Reply::ok(END),
    }
}

#[tokio::test]
async fn a_probe_tells_what_can_answer_and_asks_about_each_model_once() {
    let mut server = TestServer::start(server_with_four_models).await;
    let backend = ollama(&server);
    let probe = backend.probe(LIMIT).await.unwrap();
    assert_eq!(probe.version.as_deref(), Some("0.12.3"));
    let names = probe.models.iter().map(|model| (model.name.as_str(), model.warm, model.context_tokens)).collect::<Vec<_>>();
    assert_eq!(
        names,
        [("llama3.2:3b", Some(false), Some(131_072)), ("qwen3:latest", Some(true), None), ("broken:latest", Some(false), None)],
        "the embedding model is not offered, the one that could not be looked up is"
    );
    assert_eq!(probe.models[0].size_bytes, Some(2_019_393_189));
    server.all_asked();
    assert_eq!(backend.probe(LIMIT).await.unwrap(), probe);
    let shown = server.all_asked().into_iter().filter(|request| request.path == "/api/show").map(|request| request.json()["name"].clone());
    assert_eq!(shown.collect::<Vec<_>>(), [json!("broken:latest")], "only what failed is asked again");
}

#[tokio::test]
async fn a_thinking_model_is_told_to_answer_at_once() {
    let mut server = TestServer::start(server_with_four_models).await;
    let backend = ollama(&server);
    backend.probe(LIMIT).await.unwrap();
    server.all_asked();
    all(backend.generate(Prompt { model: "qwen3:latest".to_owned(), ..prompt("hi") }).await.unwrap()).await;
    assert_eq!(server.asked().await.json()["think"], json!(false));
    all(backend.generate(prompt("hi")).await.unwrap()).await;
    assert_eq!(server.asked().await.json().get("think"), None);
}

#[tokio::test]
async fn an_old_version_without_the_newer_calls_still_works() {
    let mut server = TestServer::start(|request| match request.path.as_str() {
        "/api/tags" => Reply::ok(r#"{"models":[{"name":"llama2:latest","size":5}]}"#),
        _ => Reply::with(404, "404 page not found"),
    })
    .await;
    let backend = ollama(&server);
    let probe = backend.probe(LIMIT).await.unwrap();
    assert_eq!((probe.version.clone(), probe.models[0].warm), (None, None));
    assert_eq!(probe.models[0].name, "llama2:latest");
    server.all_asked();
    assert_eq!(backend.probe(LIMIT).await.unwrap(), probe);
    assert!(server.all_asked().iter().all(|request| request.path != "/api/show"), "it is not asked again for what it does not have");
}

#[tokio::test]
async fn a_server_that_is_not_there_or_not_ollama_is_told_apart() {
    let server = TestServer::start(|_| Reply::ok("<html>It works!</html>")).await;
    let backend = ollama(&server);
    assert!(matches!(backend.probe(LIMIT).await, Err(InferenceError::Protocol { .. })));
    server.stop().await;
    let error = backend.probe(LIMIT).await.unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
    let error = Ollama::new("ollama", "not a url", client()).probe(LIMIT).await.unwrap_err();
    assert!(error.to_string().contains("this is not a URL"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up_at_the_limit() {
    let server = TestServer::start(|_| Reply::steps(Vec::new()).ending(Ending::Hang)).await;
    let error = ollama(&server).probe(Duration::from_secs(3)).await.unwrap_err();
    assert!(error.to_string().ends_with("no answer within 3 s"), "{error}");
}

#[tokio::test]
async fn a_download_reports_each_step_and_ends_in_success_or_an_error() {
    let pull = async |body: &'static str| {
        let mut server = TestServer::start(move |_| Reply::ok(body)).await;
        let steps = ollama(&server).pull("llama3.2:3b".to_owned()).await.unwrap().collect::<Vec<_>>().await;
        assert!(server.asked().await.is("POST", "/api/pull"));
        steps
    };
    let steps =
        pull("{\"status\":\"pulling manifest\"}\n{\"status\":\"pulling d1\",\"total\":9,\"completed\":4}\n{\"status\":\"success\"}\n")
            .await;
    assert_eq!(steps[1], Ok(PullProgress { status: "pulling d1".to_owned(), completed_bytes: Some(4), total_bytes: Some(9) }));
    assert_eq!(steps.len(), 3);
    let steps = pull("{\"status\":\"pulling manifest\"}\n{\"error\":\"pull model manifest: file does not exist\"}\n").await;
    assert!(matches!(steps[1], Err(InferenceError::ModelMissing { .. })));
    let steps = pull("{\"status\":\"pulling manifest\"}\n").await;
    assert!(matches!(steps[1], Err(InferenceError::Interrupted { .. })));
}
