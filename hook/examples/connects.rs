//! Prints where a program and all that it starts connect to, and with what result:
//! `usertrap --hook ./libconnects.so ./app`, or into a file, `libconnects.so:/tmp/connects`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process;

use usertrap_hook::calls::Connect;
use usertrap_hook::{Call, Hook, Verdict, hook, number};

struct Connects {
    /// Stderr if there is none.
    file: Option<File>,
}

/// A `struct sockaddr`, for people.
fn place(bytes: &[u8]) -> Option<String> {
    let family = i32::from(u16::from_ne_bytes(*bytes.first_chunk()?));
    let port = || Some(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?));
    Some(match family {
        libc::AF_INET => {
            let host: [u8; 4] = *bytes.get(4..)?.first_chunk()?;
            SocketAddr::new(Ipv4Addr::from(host).into(), port()?).to_string()
        }
        libc::AF_INET6 => {
            let host: [u8; 16] = *bytes.get(8..)?.first_chunk()?;
            SocketAddr::new(Ipv6Addr::from(host).into(), port()?).to_string()
        }
        libc::AF_UNIX => {
            let path = bytes.get(2..)?.split(|&byte| byte == 0).next()?;
            String::from_utf8_lossy(path).into_owned()
        }
        family => format!("family {family}"),
    })
}

impl Hook for Connects {
    const NAME: &str = "connects";
    const NUMBERS: Option<&[u16]> = Some(&[number::<Connect>()]);

    fn init(options: &str) -> Result<Connects, String> {
        let open = || OpenOptions::new().create(true).append(true).open(options);
        let file = (!options.is_empty()).then(open).transpose();
        let file = file.map_err(|error| format!("its option is a file that can be written: {error}"))?;
        Ok(Connects { file })
    }

    fn enter(&self, _: &mut Call) -> Verdict {
        Verdict::PassThenExit
    }

    fn exit(&self, call: &mut Call) {
        let (Some(result), Some(connect)) = (call.result(), call.typed::<Connect>()) else {
            return;
        };
        let address = connect.address.bytes(connect.length.min(128) as usize);
        let address = address.ok().and_then(|bytes| place(&bytes));
        let address = address.as_deref().unwrap_or("an address that cannot be read");
        let result = result.map_or_else(|error| error.to_string(), |_| "connected".into());
        let line = format!("{}: {address}: {result}\n", process::id());
        // One write: other processes write there too.
        let _ = match &self.file {
            Some(file) => (&*file).write_all(line.as_bytes()),
            None => io::stderr().write_all(line.as_bytes()),
        };
    }
}

hook!(Connects);
