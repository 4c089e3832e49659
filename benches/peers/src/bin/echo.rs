//! One echo server: `echo NAME ADDRESS`. It ends with its standard input.

use websocket_peers::echo;

fn main() {
    let mut arguments = std::env::args().skip(1);
    if let (Some(name), Some(address)) = (arguments.next(), arguments.next()) {
        echo::run(&name, &address);
    } else {
        println!("echo NAME ADDRESS, where NAME is one of");
        for server in echo::SERVERS {
            println!("  {}", server.name);
        }
    }
}
