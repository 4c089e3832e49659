//! Rows in memory: `peers [time|instructions|check|list] [--filter ROWS] [--peers NAMES] …`.

use std::process::ExitCode;

use websocket_peers::run::{self, Options};
use websocket_peers::table::Table;
use websocket_peers::{peers, rows, versions};

const USAGE: &str = "\
peers [COMMAND] [OPTION]...
  time           nanoseconds of CPU time a message (this is what it does without a command)
  instructions   instructions a message, by valgrind's callgrind
  check          only that every peer delivers the same octets
  list           the rows, and the versions of the peers
options
  --filter A+B,C   rows with A and B, or C, in their names
  --peers A,B      peers with A or B in their names; ours and the floors are always there
  --rounds N       how often each is measured (9)
  --ms N           how long one measurement takes (4)
  --all            a column for each peer, too";

fn main() -> ExitCode {
    let mut command = String::from("time");
    let mut options = Options::default();
    let mut everything = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--filter" => options.rows = value(),
            "--peers" => options.peers = value(),
            "--rounds" => options.rounds = value().parse().expect("a number of rounds"),
            "--ms" => options.milliseconds = value().parse().expect("milliseconds"),
            "--all" => everything = true,
            other if !other.starts_with('-') => command = other.to_owned(),
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::FAILURE;
            }
        }
    }
    let print = |table: Table| {
        print!("{}", table.ratios());
        if everything {
            print!("{}", table.everything());
        }
    };
    match command.as_str() {
        "time" => print(run::time(&options)),
        "instructions" => match run::instructions(&options) {
            Ok(table) => print(table),
            Err(error) => {
                eprintln!("valgrind: {error}");
                return ExitCode::FAILURE;
            }
        },
        // What `instructions` runs under valgrind.
        "count" => run::count_instructions(&options),
        "check" => println!(
            "{} rows of peers deliver what was sent",
            run::check(&options)
        ),
        "list" => list(&options),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn list(options: &Options) {
    for row in rows::all() {
        if row.is_selected(&options.rows) {
            println!("{}", row.full_name());
        }
    }
    for peer in peers::all() {
        if peer.part() == peers::Part::Peer {
            println!("{} {}", peer.name(), versions::of(peer.name()));
        }
    }
}
