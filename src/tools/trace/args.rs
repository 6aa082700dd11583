//! What the arguments of calls are.

use super::decode::Kind;
use super::names::Names;

/// An argument. A number in brackets is the place of another argument, which
/// says how much there is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arg {
    /// `int`.
    Int,
    /// `unsigned int`.
    Uint,
    /// `long`.
    Long,
    /// `unsigned long`, a size.
    Ulong,
    /// `unsigned long`, in hexadecimal.
    Hex,
    /// `unsigned int`, in hexadecimal.
    Hex32,
    /// An address whose memory is not shown.
    Ptr,
    /// The same, of memory that the call writes to.
    PtrOut,
    /// Not shown: a part of one before.
    Nothing,
    /// A descriptor.
    Fd,
    /// The same, or AT_FDCWD.
    DirFd,
    /// A device.
    Dev,
    /// Bits with names.
    Flags(&'static Names),
    /// A value with a name.
    Choice(&'static Names),
    /// Access rights.
    Mode,
    /// The same with a file's type.
    ModeOfFile,
    OpenFlags,
    StatxFlags,
    /// Where the flags of open are: there are access rights only with O_CREAT.
    OpenMode(u8),
    MapFlags,
    /// Where the flags of mremap are: there is a new address only with MREMAP_FIXED.
    RemapTo(u8),
    /// A file's path.
    Path,
    PathOut,
    /// A string.
    Str,
    /// Bytes.
    In(u8),
    /// Bytes that the call writes, as many as its result says.
    Out,
    /// The same, in hexadecimal.
    OutHex,
    IovecIn(u8),
    IovecOut(u8),
    /// Places of memory in another process: their addresses.
    IovecElsewhere(u8),
    Argv,
    Envp,
    Stat,
    Statx,
    StatfsOut,
    Dents,
    FcntlWhat,
    IoctlRequest,
    IoctlWhat,
    OffsetInOut,
    PipeOut,
    PollFds(u8),
    FdSet,
    EpollEvent,
    EpollEvents,
    IntOut,
    IntsIn,
    IntsOut,
    Groups(u8),
    GroupsOut,
    Timespec,
    TimespecOut,
    TimespecLeft,
    /// What is left of it stands there when the call has been made.
    TimespecLimit,
    Timeval,
    TimevalOut,
    TimezoneOut,
    Timevals,
    Utimes,
    Utimbuf,
    Itimerspec,
    ItimerspecOut,
    Itimerval,
    ItimervalOut,
    Rlimit,
    RlimitOut,
    RusageOut,
    SysinfoOut,
    Utsname,
    CpuSet(u8),
    CpuSetOut,
    Signal,
    Sigset(u8),
    SigsetOut(u8),
    SigactionIn,
    SigactionOut,
    SigmaskPair,
    Sigevent,
    SiginfoIn,
    SiginfoOut,
    Altstack,
    AltstackOut,
    WaitStatus,
    Clone,
    Clone3,
    FutexOp,
    FutexArgs,
    Prctl,
    PrctlArgs,
    SocketType,
    SocketProtocol,
    Sockaddr(u8),
    SockaddrOut(u8),
    SocklenOut,
    SocketLevel,
    SocketOption,
    SocketValue(u8),
    SocketValueOut(u8),
    MsghdrIn,
    MsghdrOut,
    MmsghdrsOut,
    MmsghdrsIn,
    IpcKey,
    /// Flags, and access rights.
    IpcFlags(&'static Names),
    SemBufs(u8),
    /// Where the command is.
    IpcWhat(Kind, u8),
    MsgBuf(u8),
    MsgBufOut(u8),
    MountType,
    MountFlags,
    MountData,
    OpenHow(u8),
    CapabilityHeader,
    Capabilities,
    CapabilitiesOut,
    ArchWhat,
}

impl Arg {
    /// Whether the call writes there: it is shown when the call has been made,
    /// and so are all arguments behind it.
    pub(super) const fn is_out(self) -> bool {
        use Arg::*;
        matches!(
            self,
            PtrOut
                | PathOut
                | Out
                | OutHex
                | IovecOut(_)
                | Stat
                | Statx
                | StatfsOut
                | Dents
                | PipeOut
                | EpollEvents
                | IntOut
                | IntsOut
                | GroupsOut
                | TimespecOut
                | TimespecLeft
                | TimevalOut
                | TimezoneOut
                | ItimerspecOut
                | ItimervalOut
                | RlimitOut
                | RusageOut
                | SysinfoOut
                | Utsname
                | CpuSetOut
                | SigsetOut(_)
                | SigactionOut
                | SiginfoOut
                | AltstackOut
                | WaitStatus
                | Clone3
                | SockaddrOut(_)
                | SocklenOut
                | SocketValueOut(_)
                | MsghdrOut
                | MmsghdrsOut
                | MmsghdrsIn
                | MsgBufOut(_)
                | CapabilitiesOut
        )
    }

    /// Whether another argument or the number of the call decides that.
    pub(super) const fn may_be_out(self) -> bool {
        use Arg::*;
        matches!(
            self,
            FcntlWhat | IoctlWhat | PrctlArgs | OffsetInOut | IpcWhat(..) | ArchWhat
        )
    }

    /// Whether what is there before the call has to be known behind it.
    pub(super) const fn is_noted(self) -> bool {
        use Arg::*;
        matches!(self, SocklenOut | OffsetInOut | MsghdrOut | TimespecLimit)
    }
}
