//! A job for free, from request to ledger.

use nostr_sdk::nips::nip04::{decrypt as open04, encrypt as seal04};
use nostr_sdk::nips::nip44::{Version, decrypt as open44, encrypt as seal44};
use nostr_sdk::prelude::{Filter, JsonUtil as _, Kind, Timestamp};
use pylon_hud::domain::job::{Fact, JobState};
use pylon_hud::domain::relay::RelayHealth;
use pylon_hud::node::{Leaving, NodeCommand, NodeEvent, NodeState};
use pylon_hud::practice::PracticeRelay;

use crate::common::{Buyer, Market, Running, Scripted, soon, stored, tag};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_request_is_answered_with_what_the_model_wrote() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&["Hello", ", ", "buyer."]), &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Say hello.", "text"], &["param", "max_tokens", "9"]], "").await;
    let (result, statuses) = buyer.result(job).await;
    assert_eq!(result.content, "Hello, buyer.");
    assert_eq!(result.pubkey, market.provider());
    assert_eq!(tag(&result, "e"), Some(job.to_hex()));
    assert_eq!(tag(&result, "i").as_deref(), Some("Say hello."));
    assert_eq!(statuses.first().map(String::as_str), Some("processing"));
    let detail = node.job_in(job, JobState::Done).await;
    assert_eq!((detail.record.prompt_tokens, detail.record.answer_tokens), (Some(3), Some(3)));
    assert_eq!(detail.record.prompt.as_deref(), Some("Say hello."));
    let facts: Vec<_> = detail.journal.iter().filter_map(|row| row.fact).collect();
    assert_eq!(facts, [Fact::Started, Fact::AnswerStored, Fact::Delivered]);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_request_gets_an_encrypted_answer_and_shows_nothing_in_the_clear() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&["Top", " secret."]), &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let (secret, provider) = (buyer.keys.secret_key().clone(), market.provider());
    let tags = r#"[["i","my diary","text"],["param","temperature","0.5"]]"#;
    let sealed = [seal44(&secret, &provider, tags, Version::V2).unwrap(), seal04(&secret, &provider, tags).unwrap()];
    for (index, content) in sealed.iter().enumerate() {
        let job = buyer.request(&[&["p", &provider.to_hex()], &["encrypted"]], content).await;
        let (result, _) = buyer.result(job).await;
        let opened = match index {
            0 => open44(&secret, &provider, &result.content).unwrap(),
            _ => open04(&secret, &provider, &result.content).unwrap(),
        };
        assert_eq!(opened, "Top secret.");
        let json = result.as_json();
        assert!(!json.contains("my diary") && !json.contains("Top secret"), "{json}");
        assert!(result.tags.iter().any(|tag| tag.as_slice()[0] == "encrypted"));
        let said = stored(&buyer, Filter::new().kind(Kind::from(7000)).event(job)).await;
        assert!(said.iter().all(|event| !event.as_json().contains("Top")), "feedback leaks the answer");
        node.job_in(job, JobState::Done).await;
    }
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_piece_reaches_the_buyer_before_the_model_has_finished() {
    let market = Market::new().await;
    let model = Scripted::slow(&["One", " two", " three"]);
    let node = market.online(model.clone(), &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Count.", "text"], &["p", &market.provider().to_hex()]], "").await;
    model.leave.add_permits(1);
    let partial = loop {
        let event = buyer.next(job).await;
        if tag(&event, "status").as_deref() == Some("partial") {
            break event;
        }
    };
    assert_eq!(partial.content, "One");
    assert_eq!(node.status().await.in_flight, 1);
    model.leave.add_permits(2);
    let (result, _) = buyer.result(job).await;
    assert_eq!(result.content, "One two three");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_of_a_request_make_one_run_and_one_answer() {
    let market = Market::new().await;
    let model = Scripted::quick(&["Once."]);
    let node = market.online(model.clone(), &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let request = buyer.sign(5050, &[&["i", "Once?", "text"]], "", Timestamp::now());
    buyer.send(request.clone()).await;
    buyer.result(request.id).await;
    node.job_in(request.id, JobState::Done).await;
    buyer.send(request.clone()).await;
    node.stop();
    // After a restart the relay gives the stored request once more.
    let node = market.online(model.clone(), &[]).await;
    let marker = buyer.request(&[&["i", "Another.", "text"]], "").await;
    buyer.result(marker).await;
    assert_eq!(model.runs(), 2);
    let results = stored(&buyer, Filter::new().kind(Kind::from(6050)).event(request.id)).await;
    assert_eq!(results.len(), 1);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ad_is_up_while_online_and_gone_afterwards() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&["x"]), &["node.name=\"Test Pylon\""]).await;
    let buyer = Buyer::connect(&market.relay).await;
    let ads = || Filter::new().kind(Kind::from(31990)).author(market.provider());
    let ad = soon("the ad", async {
        loop {
            if let Some(ad) = stored(&buyer, ads()).await.into_iter().next() {
                return ad;
            }
        }
    })
    .await;
    let content: serde_json::Value = serde_json::from_str(&ad.content).unwrap();
    assert_eq!(content["name"], "Test Pylon");
    assert_eq!(content["models"], serde_json::json!(["parrot"]));
    assert_eq!(tag(&ad, "k").as_deref(), Some("5050"));
    assert!(tag(&ad, "expiration").is_some());
    node.done(NodeCommand::GoOffline { how: Leaving::Finish }).await;
    assert_eq!(node.status().await.state, NodeState::Offline);
    assert!(stored(&buyer, ads()).await.is_empty(), "the ad is still up");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_request_is_called_off_and_the_model_stops() {
    let market = Market::new().await;
    // A relay that does not hold the request takes anybody's deletion of it.
    let other = PracticeRelay::start().await.unwrap();
    let model = Scripted::slow(&["never"]);
    let node = market.online(model.clone(), &[&format!("relays.urls=[\"{}\", \"{}\"]", market.relay.url(), other.url())]).await;
    node.status_where(|status| status.relays_connected == 2).await;
    let buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Wait.", "text"]], "").await;
    node.job_in(job, JobState::Running).await;
    let stranger = Buyer::connect(&other).await;
    stranger.send(stranger.sign(5, &[&["e", &job.to_hex()], &["k", "5050"]], "", Timestamp::now())).await;
    let seen = |relay: &RelayHealth| relay.received == 1 && relay.url == other.url().trim_end_matches('/');
    soon("the stranger's deletion", async {
        while !matches!(node.call(NodeCommand::Relays).await, NodeEvent::Relays { relays } if relays.iter().any(seen)) {}
    })
    .await;
    assert_eq!(node.status().await.in_flight, 1, "a stranger called the job off");
    buyer.send(buyer.sign(5, &[&["e", &job.to_hex()], &["k", "5050"]], "", Timestamp::now())).await;
    let detail = node.job_in(job, JobState::Cancelled).await;
    assert!(detail.record.reason.unwrap_or_default().contains("buyer"));
    soon("the model to stop", async {
        while model.dropped() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_longer_than_we_send_is_cut_at_a_character_and_marked() {
    let market = Market::new().await;
    let long: &'static str = Box::leak("é".repeat(600).into_boxed_str());
    let node = market.online(Scripted::quick(&[long, "more"]), &["provider.max_result_bytes=1000"]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Long.", "text"]], "").await;
    let (result, _) = buyer.result(job).await;
    assert!(result.content.starts_with("éé") && result.content.contains("[cut"), "{}", result.content);
    assert!(result.content.len() < 1100);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_mode_keeps_no_word_of_a_job_on_disk() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&["A quiet answer."]), &["provider.store_text=false"]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "A very private question.", "text"]], "").await;
    let (result, _) = buyer.result(job).await;
    assert_eq!(result.content, "A quiet answer.");
    let detail = node.job_in(job, JobState::Done).await;
    assert_eq!(detail.record.prompt, None);
    node.stop();
    for entry in std::fs::read_dir(market.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for words in [&b"very private question"[..], &b"quiet answer"[..]] {
                assert!(!bytes.windows(words.len()).any(|window| window == words), "{} holds the text", path.display());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn going_offline_finishes_what_runs_and_takes_nothing_new() {
    let market = Market::new().await;
    let model = Scripted::slow(&["late"]);
    let node = market.online(model.clone(), &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "First.", "text"]], "").await;
    node.job_in(job, JobState::Running).await;
    let leaving = node.ask(NodeCommand::GoOffline { how: Leaving::Finish });
    node.status_where(|status| status.state == NodeState::Draining).await;
    buyer.request(&[&["i", "Second.", "text"]], "").await;
    model.leave.add_permits(10);
    let (result, _) = buyer.result(job).await;
    assert_eq!(result.content, "late");
    node.wait("the node to be offline", |report| (report.id == Some(leaving) && report.event == NodeEvent::Done).then_some(())).await;
    assert_eq!(model.runs(), 1);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_dropped_by_a_hurried_exit_are_taken_up_again() {
    let market = Market::new().await;
    let model = Scripted::slow(&["at last"]);
    let node = market.online(model.clone(), &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Please.", "text"]], "").await;
    node.job_in(job, JobState::Running).await;
    model.is_asked().await;
    node.done(NodeCommand::GoOffline { how: Leaving::Now }).await;
    assert_eq!(model.dropped(), 1);
    model.leave.add_permits(10);
    node.done(NodeCommand::GoOnline).await;
    let (result, _) = buyer.result(job).await;
    assert_eq!(result.content, "at last");
    let detail = node.job_in(job, JobState::Done).await;
    assert_eq!(detail.journal.iter().filter(|row| row.fact == Some(Fact::Started)).count(), 2);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_no_relay_takes_is_kept_and_sent_when_one_is_back() {
    let market = Market::new().await;
    let model = Scripted::slow(&["kept"]);
    let node = market.online(model.clone(), &[]).await;
    let buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Hold on.", "text"]], "").await;
    node.job_in(job, JobState::Running).await;
    let Market { relay, dir, paths, identity } = market;
    relay.shutdown();
    node.status_where(|status| status.relays_connected == 0).await;
    model.leave.add_permits(1);
    let detail = node.job_in(job, JobState::Answered).await;
    assert!(detail.record.delivered_at.is_none());
    assert_eq!(node.status().await.undelivered, 1);
    node.stop();
    // Another relay takes its place; the same answer goes there, and the model is not asked again.
    let elsewhere = Market { relay: PracticeRelay::start().await.unwrap(), dir, paths, identity };
    let mut late = Buyer::watch(&elsewhere.relay, &buyer.keys).await;
    let node = Running::launch(elsewhere.options(model.clone(), &[]));
    node.done(NodeCommand::Start).await;
    let (result, _) = late.result(job).await;
    assert_eq!(result.content, "kept");
    assert_eq!(node.job_in(job, JobState::Done).await.record.state, JobState::Done);
    assert_eq!(model.runs(), 1);
    node.stop();
}
