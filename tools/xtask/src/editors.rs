//! What an editor understands of the target's crates with the settings of the tree: rust-analyzer, asked as an editor asks it, by the Language Server
//! Protocol.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use cofferdam_target_build::target_directory;
use serde_json::{Map, Value, json};

use crate::parts::Tally;
use crate::workspace::Workspace;

const SERVER: &str = "rust-analyzer";
/// One that never rests is no answer.
const PATIENCE_S: &str = "900";
const SETTINGS: &str = "target.code-workspace";
const PAGE: &str = "docs/editors.md";
/// A file of a partition, and what it uses of a crate that there is for the target alone.
const FILE: &str = "partitions/flight/src/main.rs";
const USED: &str = "wait_release()";
const SHOWS: &str = "cofferdam_native::period::Period";

/// Whether it finds its way, and whether the command line of the page compiles.
pub fn tests(workspace: &Workspace<'_>) -> Result<Tally> {
    let mut tally = Tally::default();
    tally.count(
        "the command line of the settings compiles `flight`",
        compiles(workspace),
    );
    let version = (Command::new(SERVER).arg("--version"))
        .current_dir(workspace.root)
        .output();
    if !version.is_ok_and(|output| output.status.success()) {
        tally.add(Tally::skipped(format!(
            "what an editor understands: there is no {SERVER} (`rustup component add {SERVER}`)"
        )));
        return Ok(tally);
    }
    tally.count(
        "rust-analyzer understands `flight` with the settings",
        understands(workspace.root),
    );
    Ok(tally)
}

/// Carries out what the page says that the settings are.
fn compiles(workspace: &Workspace<'_>) -> Result<()> {
    let page = std::fs::read_to_string(workspace.root.join(PAGE))?;
    let line = page.split("```text\n").nth(1).context("it has none")?;
    let line = line.split("```").next().unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", line])
        .current_dir(workspace.root)
        .env("CARGO_TARGET_DIR", of_editors(workspace.root))
        .output()
        .context("sh did not start")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{line}\n{said}");
    Ok(())
}

/// Where editors build (`cargo.targetDir` of the settings).
fn of_editors(root: &Path) -> std::path::PathBuf {
    target_directory(root).join(SERVER)
}

fn understands(root: &Path) -> Result<()> {
    let path = root.join(FILE);
    let text = std::fs::read_to_string(&path)?;
    let (line, column) = (text.lines().zip(0_u32..))
        .find_map(|(line, number)| Some((number, line.find(USED)?)))
        .with_context(|| format!("{FILE} has no `{USED}`"))?;
    let file = json!({ "uri": format!("file://{}", path.display()) });
    let mut server = Server::start(root)?;
    let capabilities = json!({
        "experimental": { "serverStatusNotification": true },
        "textDocument": { "hover": { "contentFormat": ["plaintext"] } },
    });
    server.ask(
        "initialize",
        json!({
            "processId": std::process::id(),
            "rootUri": format!("file://{}", root.display()),
            "capabilities": capabilities,
            "initializationOptions": settings(root)?,
        }),
    )?;
    server.tell("initialized", json!({}))?;
    let opened = json!({ "uri": file["uri"], "languageId": "rust", "version": 1, "text": text });
    server.tell("textDocument/didOpen", json!({ "textDocument": opened }))?;
    let status = server.when_it_rests()?;
    ensure!(status["health"] == "ok", "it says {}", status["message"]);
    let position = json!({ "line": line, "character": column });
    let shown = server.ask(
        "textDocument/hover",
        json!({ "textDocument": file, "position": position }),
    )?;
    let shown = shown["contents"]["value"].as_str().unwrap_or_default();
    ensure!(
        shown.contains(SHOWS),
        "of `{USED}` it knows this alone: {shown:?}"
    );
    Ok(())
}

/// The settings as an editor hands them over. The compiler is asked in the other case.
fn settings(root: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(root.join(SETTINGS))?;
    let text = text.replace("${workspaceFolder}", &root.display().to_string());
    let workspace: Value = serde_json::from_str(&text)?;
    let all = workspace["settings"].as_object();
    let mut settings = json!({ "checkOnSave": false });
    for (key, value) in all.context("there are no settings")? {
        let Some(key) = key.strip_prefix("rust-analyzer.") else {
            continue;
        };
        let mut place = &mut settings;
        for part in key.split('.') {
            let table = place.as_object_mut();
            let table = table.with_context(|| format!("{key} is a value and a table"))?;
            place = table.entry(part).or_insert_with(|| Map::new().into());
        }
        *place = value.clone();
    }
    Ok(settings)
}

/// It, as it runs.
struct Server {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    asked: u64,
}

impl Server {
    fn start(root: &Path) -> Result<Self> {
        let mut child = Command::new("timeout")
            .args([PATIENCE_S, SERVER])
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{SERVER} did not start"))?;
        Ok(Self {
            to: child.stdin.take().context("it hears nothing")?,
            from: BufReader::new(child.stdout.take().context("it says nothing")?),
            child,
            asked: 0,
        })
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len())?;
        Ok(self.to.flush()?)
    }

    fn tell(&mut self, method: &str, params: Value) -> Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    /// What it answers.
    fn ask(&mut self, method: &str, params: Value) -> Result<Value> {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            let message = self.hear()?;
            if message["id"] == id && message["method"].is_null() {
                ensure!(message["error"].is_null(), "{method}: {}", message["error"]);
                return Ok(message["result"].clone());
            }
        }
    }

    /// Its state when it has loaded everything, and has nothing more to do.
    fn when_it_rests(&mut self) -> Result<Value> {
        loop {
            let message = self.hear()?;
            let status = &message["params"];
            if message["method"] == "experimental/serverStatus" && status["quiescent"] == true {
                return Ok(status.clone());
            }
        }
    }

    /// What comes next of it. What it asks for itself, it does not get.
    fn hear(&mut self) -> Result<Value> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            ensure!(
                self.from.read_line(&mut line)? > 0,
                "{SERVER} has ended, by itself or after {PATIENCE_S} s"
            );
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse()?,
                Some(_) => {}
                None => break,
            }
        }
        let mut text = vec![0; length];
        self.from.read_exact(&mut text)?;
        let message: Value = serde_json::from_slice(&text)?;
        if !message["method"].is_null() && !message["id"].is_null() {
            self.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": null }))?;
        }
        Ok(message)
    }
}

/// Dropped, it is no more.
impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
