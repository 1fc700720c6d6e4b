//! The helper as a process, spoken to by hand.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use pylon_hud::wallet::spark::helper::ARGUMENT;
use pylon_hud::wallet::spark::protocol::{
    Answer, Call, Fault, FromHelper, Hidden, OpenFault, Opened, Opening, Servers, SparkNetwork, ToHelper, VERSION,
};

pub struct Helper {
    pub child: Child,
    input: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
    last: u64,
}

impl Helper {
    /// Starts one, with nothing in its environment.
    pub fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pylon"))
            .arg(ARGUMENT)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (input, lines) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut helper = Self { child, input, lines, last: 0 };
        let pid = helper.child.id();
        assert!(matches!(helper.heard(), Some(FromHelper::Hello { version: VERSION, pid: told }) if told == pid));
        helper
    }

    /// One with the wallet of the test words open.
    pub fn open(library: &Path, storage: &Path) -> Self {
        let mut helper = Self::start();
        let opened = helper.opens(opening(library, storage)).unwrap();
        assert_eq!(opened.contract, 29);
        helper
    }

    pub fn opens(&mut self, opening: Opening) -> Result<Opened, OpenFault> {
        self.say(&serde_json::to_string(&ToHelper::Open(Box::new(opening))).unwrap());
        loop {
            match self.heard().expect("an answer") {
                FromHelper::Opened(opened) => return Ok(opened),
                FromHelper::NotOpened(fault) => return Err(fault),
                FromHelper::Log { .. } | FromHelper::News(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn call(&mut self, call: Call) -> Result<Answer, Fault> {
        self.last += 1;
        let asked = self.last;
        self.say(&serde_json::to_string(&ToHelper::Call { id: asked, call }).unwrap());
        loop {
            match self.heard().expect("an answer") {
                FromHelper::Answer { id, answer } if id == asked => return answer,
                FromHelper::Log { .. } | FromHelper::News(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn say(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// The next line; `None`: there are no more.
    pub fn heard(&mut self) -> Option<FromHelper> {
        let mut line = String::new();
        let count = self.lines.read_line(&mut line).unwrap();
        (count > 0).then(|| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}")))
    }

    /// Lets go of its input, and waits for its end.
    pub fn end(mut self) {
        self.input = None;
        while self.heard().is_some() {}
        self.child.wait().unwrap();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The wallet of the test words, which is let nobody talk to.
pub fn opening(library: &Path, storage: &Path) -> Opening {
    Opening {
        library: library.to_owned(),
        network: SparkNetwork::Regtest,
        storage: storage.to_owned(),
        words: Hidden::new(super::WORDS),
        api_key: None,
        servers: Servers::Nobody,
    }
}
