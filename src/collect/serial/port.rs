//! An open serial port: raw bytes without blocking, through termios.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::ioctl_fionread;
use rustix::termios::{
    ControlModes, InputModes, OptionalActions, QueueSelector, SpecialCodeIndex, tcflush, tcgetattr, tcsetattr,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe::{Receiver, Sender};

use super::allowed_ports::describe_open_error;
use super::settings::{Parity, SerialSettings};

/// A port that this process alone has open. The runtime's ends of pipes drive any file that does not block, and a terminal is
/// read and written as a pipe is.
#[derive(Debug)]
pub struct SerialPort {
    input: Receiver,
    output: Sender,
    settings: SerialSettings,
}

impl SerialPort {
    /// Opens the device file of a terminal. Call it within a tokio runtime, which will drive the port.
    ///
    /// # Errors
    /// Worded for people: no such port, no permission, used by another program, no terminal, unknown speed.
    pub async fn open(path: &Path, settings: SerialSettings) -> io::Result<SerialPort> {
        let path = path.to_owned();
        // The driver of an adapter asks the adapter first.
        let opening = tokio::task::spawn_blocking(move || open_file(&path, settings));
        let file = opening.await.map_err(io::Error::other)??;
        let input = Receiver::from_file_unchecked(file.try_clone()?)?;
        Ok(SerialPort { input, output: Sender::from_file_unchecked(file)?, settings })
    }

    /// Applies settings that differ from the present ones.
    pub fn apply(&mut self, settings: SerialSettings) -> io::Result<()> {
        if self.settings != settings {
            configure(&self.output, settings)?;
            self.settings = settings;
        }
        Ok(())
    }

    /// Reads at least one byte.
    ///
    /// # Errors
    /// When the port is gone.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.input).poll_read(cx, buf))?;
        let is_end = buf.filled().len() == before && buf.remaining() > 0;
        Poll::Ready(if is_end { Err(unplugged()) } else { Ok(()) })
    }

    /// Writes at least one byte.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.output).poll_write(cx, bytes)
    }

    /// Throws away what has arrived; how many bytes that were. It asks the terminal itself, because the runtime may not have
    /// noticed them yet.
    pub fn discard_input(&self) -> io::Result<u64> {
        let waiting = ioctl_fionread(&self.output)?;
        if waiting > 0 {
            tcflush(&self.output, QueueSelector::IFlush)?;
        }
        Ok(waiting)
    }
}

impl Drop for SerialPort {
    fn drop(&mut self) {
        // Closing would wait until unsent bytes are sent. A port that is gone has none.
        let _ = tcflush(&self.output, QueueSelector::IOFlush);
    }
}

/// A terminal that is gone reads as a stream that has ended.
fn unplugged() -> io::Error {
    io::Error::other("the serial port is gone")
}

fn open_file(path: &Path, settings: SerialSettings) -> io::Result<File> {
    // The port never becomes this process's controlling terminal, and opening waits for no carrier.
    let flags = (OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::NOFOLLOW).bits();
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    let opened = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| describe_open_error(&error))?;
    if !file.metadata()?.file_type().is_char_device() || tcgetattr(&file).is_err() {
        return Err(io::Error::other("it is no serial port"));
    }
    let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
    locked.map_err(|errno| describe_open_error(&errno.into()))?;
    configure(&file, settings)?;
    tcflush(&file, QueueSelector::IOFlush)?;
    Ok(file)
}

/// Sets raw bytes of 8 bits and the settings. A byte with a wrong parity is read as 0, so that its frame fails its check.
fn configure(file: impl AsFd, settings: SerialSettings) -> io::Result<()> {
    let mut modes = tcgetattr(&file)?;
    modes.make_raw();
    modes.input_modes.set(InputModes::INPCK, settings.parity != Parity::None);
    modes.input_modes.remove(InputModes::IGNPAR | InputModes::PARMRK | InputModes::IXOFF | InputModes::IXANY);
    modes.control_modes.insert(ControlModes::CREAD | ControlModes::CLOCAL);
    modes.control_modes.remove(ControlModes::CRTSCTS | ControlModes::HUPCL);
    modes.control_modes.set(ControlModes::CSTOPB, settings.stop_bits == 2);
    modes.control_modes.set(ControlModes::PARENB, settings.parity != Parity::None);
    modes.control_modes.set(ControlModes::PARODD, settings.parity == Parity::Odd);
    modes.special_codes[SpecialCodeIndex::VMIN] = 1;
    modes.special_codes[SpecialCodeIndex::VTIME] = 0;
    modes.set_speed(settings.baud)?;
    tcsetattr(&file, OptionalActions::Now, &modes)?;
    // termios reports success when it could apply some of the settings.
    if tcgetattr(&file)?.output_speed() != settings.baud {
        return Err(io::Error::other(format!("the port does not support {} baud", settings.baud)));
    }
    Ok(())
}
