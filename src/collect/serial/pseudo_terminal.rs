//! Pseudo terminal for tests: the device's end of a line, whose other end is a port.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::io::ioctl_fionread;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::fs::File as AsyncFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A pair of ends. Dropping it unplugs the port.
pub struct PseudoTerminal {
    /// Device file of the port.
    pub path: PathBuf,
    device: File,
}

impl PseudoTerminal {
    /// Opens a new pair, whose port is free to be opened by its path.
    pub fn open() -> PseudoTerminal {
        let device = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&device).unwrap();
        unlockpt(&device).unwrap();
        let name = ptsname(&device, Vec::new()).unwrap();
        PseudoTerminal { path: PathBuf::from(OsStr::from_bytes(name.as_bytes())), device: device.into() }
    }

    /// Receives exactly `count` bytes.
    pub async fn receive(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        AsyncFile::from_std(self.device.try_clone().unwrap()).read_exact(&mut bytes).await.unwrap();
        bytes
    }

    /// Sends bytes to the port; returns once the terminal has taken all.
    pub async fn send(&self, bytes: &[u8]) {
        let mut device = AsyncFile::from_std(self.device.try_clone().unwrap());
        device.write_all(bytes).await.unwrap();
        device.flush().await.unwrap();
    }

    /// Returns once bytes wait at the port.
    pub async fn until_input_waits(&self) {
        let port = File::open(&self.path).unwrap();
        while ioctl_fionread(&port).unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Sends a byte every few milliseconds until `stop` is set; returns after the first.
    pub fn send_until(&self, stop: Arc<AtomicBool>) -> JoinHandle<()> {
        let mut device = self.device.try_clone().unwrap();
        device.write_all(b"x").unwrap();
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                device.write_all(b"x").unwrap();
                std::thread::sleep(Duration::from_millis(2));
            }
        })
    }
}
