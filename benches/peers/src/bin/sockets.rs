//! The echo servers over loopback: `sockets [echo|turns|idle] [--filter NAMES] …`.

use std::io::Write;
use std::net::TcpStream;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit};
use rustix::thread::CpuSet;
use websocket_peers::echo;
use websocket_peers::load::{self, Bursts, Echoed, Load};

const USAGE: &str = "\
sockets [COMMAND] [OPTION]...
  echo    messages a second, latency, CPU time and system calls (without a command)
  turns   rates beside the first server's: all of them alive, asked in turn for a moment each
  idle    memory a connection
options
  --filter A,B       servers with A or B in their names
  --loads A,B        loads with A or B in their names, for `echo`
  --rounds N         how often each is measured (5; 200 for `turns`)
  --seconds S        how long each time (0.5; 0.01 for `turns`)
  --connections N    for `idle` (5000)
  --also NAME=PROGRAM  one more server: a program that takes an address to listen on";

/// What is sent: its name, the size of a message, and how many go out at once.
const LOADS: &[(&str, usize, usize)] = &[
    ("ping-pong of 32 B", 32, 1),
    ("bursts of 16 × 32 B", 32, 16),
    ("bursts of 1 000 × 32 B", 32, 1000),
    ("ping-pong of 64 KiB", 64 << 10, 1),
];

struct Options {
    filter: String,
    loads: String,
    rounds: Option<usize>,
    time: Option<Duration>,
    connections: usize,
    also: Vec<Candidate>,
}

/// A server that may be measured.
#[derive(Clone, Debug)]
struct Candidate {
    name: String,
    /// What runs it, without the address; of the servers of this package when there is nothing.
    program: Vec<String>,
    /// Whether its echoes can be compared.
    frames: bool,
}

impl Candidate {
    /// Another program, as `NAME=PROGRAM` says.
    fn parse(text: &str) -> Option<Self> {
        let (name, program) = text.split_once('=')?;
        Some(Self {
            name: name.into(),
            program: vec![program.into()],
            frames: true,
        })
    }
}

impl Options {
    fn rounds(&self, otherwise: usize) -> usize {
        self.rounds.unwrap_or(otherwise)
    }

    fn time(&self, otherwise: Duration) -> Duration {
        self.time.unwrap_or(otherwise)
    }
}

fn main() -> ExitCode {
    let mut command = String::from("echo");
    let mut options = Options {
        filter: String::new(),
        loads: String::new(),
        rounds: None,
        time: None,
        connections: 5000,
        also: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--filter" => options.filter = value(),
            "--loads" => options.loads = value(),
            "--rounds" => options.rounds = Some(value().parse().expect("a number of rounds")),
            "--seconds" => {
                let seconds = value().parse().expect("seconds");
                options.time = Some(Duration::from_secs_f64(seconds));
            }
            "--connections" => options.connections = value().parse().expect("a number"),
            "--also" => options
                .also
                .push(Candidate::parse(&value()).expect("NAME=PROGRAM")),
            "echo" | "turns" | "idle" => command = argument,
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::FAILURE;
            }
        }
    }
    match command.as_str() {
        "idle" => idle(&options),
        "turns" => turns(&options),
        _ => echo(&options),
    }
    ExitCode::SUCCESS
}

/// The servers that are selected.
fn selected(options: &Options) -> Vec<Candidate> {
    let ours = echo::SERVERS.iter().map(|it| Candidate {
        name: it.name.into(),
        program: Vec::new(),
        frames: it.frames,
    });
    let node = std::env::var_os("NODE_PATH").map(|_| Candidate {
        name: "ws, Node".into(),
        program: vec![
            "node".into(),
            concat!(env!("CARGO_MANIFEST_DIR"), "/node/echo.js").into(),
        ],
        frames: true,
    });
    let mut servers: Vec<_> = ours.chain(node).collect();
    servers.retain(|server| names(&options.filter, &server.name));
    servers.extend(options.also.iter().cloned());
    servers
}

/// Whether `name` has one of the parts that are selected.
fn names(selected: &str, name: &str) -> bool {
    selected.split(',').any(|part| name.contains(part))
}

/// A server that is running, until it is dropped.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    /// Starts a server on the second processor; the load stays on the first.
    fn start(candidate: &Candidate) -> std::io::Result<Self> {
        // A port that was free just now.
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let address = format!("127.0.0.1:{port}");
        let mut command = if let [program, arguments @ ..] = &candidate.program[..] {
            let mut other = Command::new(program);
            other.args(arguments);
            other
        } else {
            let mut echo = Command::new(std::env::current_exe()?.with_file_name("echo"));
            echo.arg(&candidate.name);
            echo
        };
        command
            .arg(&address)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        stay_on(1);
        let child = command.spawn();
        stay_on(0);
        let running = Self {
            child: child?,
            address,
        };
        for _ in 0..500 {
            if TcpStream::connect(&running.address).is_ok() {
                return Ok(running);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(std::io::Error::other("it doesn't listen"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps this thread, and what it starts, on one processor, where there are two.
fn stay_on(processor: usize) {
    let mut set = CpuSet::new();
    set.set(processor);
    let _ = rustix::thread::sched_setaffinity(None, &set);
}

fn echo(options: &Options) {
    for (test, size, burst) in LOADS {
        if !names(&options.loads, test) {
            continue;
        }
        let servers = selected(options);
        let mut results = vec![Vec::new(); servers.len()];
        let mut calls = vec![None; servers.len()];
        for round in 0..options.rounds(5) {
            for (i, server) in servers.iter().enumerate() {
                let load = Load {
                    size: *size,
                    burst: *burst,
                    time: options.time(Duration::from_millis(500)),
                    compare: server.frames,
                };
                match measure(server, load, round == 0) {
                    Ok((echoed, counted)) => {
                        results[i].push(echoed);
                        calls[i] = calls[i].or(counted);
                    }
                    Err(error) => eprintln!("{}, {test}: {error}", server.name),
                }
            }
        }
        println!(
            "| {test} | messages a second | half within µs | server CPU, ns a message | system calls a message |"
        );
        println!("| --- | ---: | ---: | ---: | ---: |");
        for (server, (results, calls)) in servers.iter().zip(results.iter().zip(calls)) {
            let least = |value: fn(&Echoed) -> f64| {
                results
                    .iter()
                    .map(value)
                    .min_by(f64::total_cmp)
                    .unwrap_or(f64::NAN)
            };
            println!(
                "| {} | {:.0} | {:.1} | {:.0} | {} |",
                server.name,
                -least(|echoed| -echoed.rate),
                least(|echoed| echoed.median),
                least(|echoed| echoed.server_cpu),
                calls.map_or("–".into(), |calls| format!("{calls:.3}")),
            );
        }
        println!();
    }
}

/// All servers alive at once, each with one connection, asked in turn: what the machine does beside it, it does to
/// all. A rate is compared with the first server's of the same round.
fn turns(options: &Options) {
    for (test, size, burst) in LOADS {
        if !names(&options.loads, test) {
            continue;
        }
        let mut servers = Vec::new();
        for candidate in selected(options) {
            let load = Load {
                size: *size,
                burst: *burst,
                time: options.time(Duration::from_millis(10)),
                compare: candidate.frames,
            };
            let opened = Running::start(&candidate).and_then(|server| {
                let bursts = Bursts::open(&server.address, load)?;
                Ok((candidate.name.clone(), server, bursts, Vec::new()))
            });
            match opened {
                Ok(opened) => servers.push(opened),
                Err(error) => eprintln!("{}, {test}: {error}", candidate.name),
            }
        }
        for _ in 0..options.rounds(200) {
            for (name, _, bursts, rates) in &mut servers {
                let began = Instant::now();
                match bursts.run(options.time(Duration::from_millis(10))) {
                    Ok(times) => rates.push(times.len() as f64 / began.elapsed().as_secs_f64()),
                    Err(error) => {
                        eprintln!("{name}, {test}: {error}");
                        rates.push(f64::NAN);
                    }
                }
            }
        }
        let Some(first) = servers.first().map(|(_, _, _, rates)| rates.clone()) else {
            continue;
        };
        println!("| {test}, in turn | beside the first | a quarter of the rounds below | above |");
        println!("| --- | ---: | ---: | ---: |");
        for (name, _, _, rates) in &servers {
            let mut ratios: Vec<_> = rates.iter().zip(&first).map(|(a, b)| a / b).collect();
            ratios.sort_by(f64::total_cmp);
            let [low, half, high] = [1, 2, 3].map(|quarters| ratios[ratios.len() * quarters / 4]);
            println!("| {name} | {half:.2} | {low:.2} | {high:.2} |");
        }
        println!();
    }
}

/// Runs a load against a server of its own; on request counts system calls, in another run of it.
fn measure(
    candidate: &Candidate,
    load: Load,
    count_calls: bool,
) -> std::io::Result<(Echoed, Option<f64>)> {
    let server = Running::start(candidate)?;
    let process = server.child.id();
    let echoed = load::run(&server.address, process, load)?;
    let calls = if count_calls {
        system_calls(&server, load)
    } else {
        None
    };
    Ok((echoed, calls))
}

/// System calls a message, counted by perf in the kernel; `None` where that can't be had.
fn system_calls(server: &Running, load: Load) -> Option<f64> {
    let process = server.child.id();
    let mut perf = Command::new("perf")
        .args([
            "stat",
            "-x,",
            "-e",
            "raw_syscalls:sys_enter",
            "-p",
            &process.to_string(),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    std::thread::sleep(Duration::from_millis(300));
    let echoed = load::run(&server.address, process, load);
    let pid = rustix::process::Pid::from_child(&perf);
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
    let mut text = String::new();
    std::io::Read::read_to_string(&mut perf.stderr.take()?, &mut text).ok()?;
    perf.wait().ok()?;
    let line = text.lines().find(|line| line.contains("raw_syscalls"))?;
    let calls: f64 = line.split(',').next()?.parse().ok()?;
    Some(calls / echoed.ok()?.messages as f64)
}

fn idle(options: &Options) {
    // Both ends of a connection have a file each.
    let most = rustix::process::getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    let _ = rustix::process::setrlimit(Resource::Nofile, limit);
    println!(
        "| {} connections, octets each | open | after an echo of 16 KiB |",
        options.connections
    );
    println!("| --- | ---: | ---: |");
    for candidate in selected(options) {
        let name = &candidate.name;
        let measured = Running::start(&candidate)
            .and_then(|server| load::idle(&server.address, server.child.id(), options.connections));
        match measured {
            Ok(idle) => println!("| {name} | {:.0} | {:.0} |", idle.open, idle.echoed),
            Err(error) => println!("| {name} | {error} | |"),
        }
        let _ = std::io::stdout().flush();
    }
}
