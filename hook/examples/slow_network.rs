//! Limits what a process sends and receives by sockets to the bytes per second that the option
//! gives, both together: `usertrap --hook ./libslow_network.so:100000 curl -O https://example.org/file`.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use usertrap_hook::calls::{Read, Recvfrom, Sendto, Write};
use usertrap_hook::{Call, Hook, Verdict, hook, number};

struct SlowNetwork {
    /// Seconds that a byte takes.
    each: f64,
    /// When the next byte may go.
    free_at: Mutex<Instant>,
}

impl Hook for SlowNetwork {
    const NAME: &str = "slow_network";
    const NUMBERS: Option<&[u16]> = Some(&[
        number::<Read>(),
        number::<Write>(),
        number::<Sendto>(),
        number::<Recvfrom>(),
        libc::SYS_readv as u16,
        libc::SYS_writev as u16,
        libc::SYS_sendmsg as u16,
        libc::SYS_recvmsg as u16,
    ]);

    fn init(options: &str) -> Result<SlowNetwork, String> {
        match options.parse::<f64>() {
            Ok(rate) if rate > 0.0 => Ok(SlowNetwork {
                each: rate.recip(),
                free_at: Mutex::new(Instant::now()),
            }),
            _ => Err("its option is a number of bytes per second".into()),
        }
    }

    fn enter(&self, call: &mut Call) -> Verdict {
        let file = fs::metadata(format!("/proc/thread-self/fd/{}", call.args()[0] as i32));
        match file {
            Ok(file) if file.file_type().is_socket() => Verdict::PassThenExit,
            _ => Verdict::Pass,
        }
    }

    fn exit(&self, call: &mut Call) {
        let Some(Ok(bytes)) = call.result() else { return };
        let takes = Duration::from_secs_f64(self.each * bytes as f64);
        let until = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            *free_at = (*free_at).max(Instant::now()) + takes;
            *free_at
        };
        // A signal of the application's waits until it is over.
        thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}

hook!(SlowNetwork);
