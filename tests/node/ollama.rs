//! As much of Ollama's HTTP interface as a job needs, counting how often the model was run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub struct FakeOllama {
    port: u16,
    runs: Arc<AtomicUsize>,
    server: tokio::task::JoinHandle<()>,
}

impl FakeOllama {
    pub async fn start(words: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let runs = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&runs);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, words, Arc::clone(&counter)));
            }
        });
        Self { port, runs, server }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

impl Drop for FakeOllama {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(mut stream: TcpStream, words: &'static [&'static str], runs: Arc<AtomicUsize>) {
    let Some(path) = read_request(&mut stream).await else { return };
    let body = match path.as_str() {
        "/api/version" => r#"{"version":"0.9.3"}"#.to_owned(),
        "/api/tags" => r#"{"models":[{"name":"tiny:latest","model":"tiny:latest","size":1,"digest":"d"}]}"#.to_owned(),
        "/api/ps" => r#"{"models":[]}"#.to_owned(),
        "/api/show" => r#"{"capabilities":["completion"],"model_info":{"x.context_length":2048}}"#.to_owned(),
        "/api/generate" | "/api/chat" => {
            runs.fetch_add(1, Ordering::SeqCst);
            let mut lines: String =
                words.iter().map(|word| format!("{}\n", serde_json::json!({"response": word, "done": false}))).collect();
            lines.push_str(
                r#"{"response":"","done":true,"done_reason":"stop","prompt_eval_count":4,"eval_count":2,"eval_duration":1000000}"#,
            );
            lines
        }
        _ => String::new(),
    };
    respond(&mut stream, &body).await;
}

/// Answers 200 with this JSON.
pub async fn respond(stream: &mut TcpStream, body: &str) {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

/// The path, once head and body have been read.
pub async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(end) = text.find("\r\n\r\n") {
            let head = text[..end].to_ascii_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length:")).map_or(0, |value| value.trim().parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return text.split_whitespace().nth(1).map(str::to_owned);
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}
