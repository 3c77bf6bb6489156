//! The module `facts`: the machine.

use std::sync::Arc;

use farcall_core::{Fault, service};
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, Disks, System};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// All facts about a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Names and versions.
    pub host: HostFacts,
    /// The processors.
    pub cpu: CpuFacts,
    /// The memory.
    pub memory: MemoryFacts,
    /// The file systems on disks.
    pub disks: Vec<DiskFacts>,
    /// The time since the machine was started, in seconds.
    pub uptime: u64,
}

/// Names and versions of a machine. What the system does not tell is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The name of the machine.
    pub name: String,
    /// The name of the operating system or distribution, such as `Debian GNU/Linux`.
    pub system: String,
    /// Its version.
    pub version: String,
    /// The version of the kernel.
    pub kernel: String,
    /// The architecture, such as `x86_64`.
    pub architecture: String,
    /// The version of the agent.
    pub agent: String,
}

/// The processors of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CpuFacts {
    /// The name of the processor.
    pub model: String,
    /// Number of processors that the system schedules on.
    pub logical: usize,
    /// Number of physical cores, if the system tells.
    pub physical: Option<usize>,
    /// Average load of the last minute, five minutes and fifteen minutes.
    pub load: [f64; 3],
}

/// The memory of a machine, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryFacts {
    /// All of it.
    pub total: u64,
    /// The part that programs can get without swapping.
    pub available: u64,
    /// Swap space.
    pub swap_total: u64,
    /// Swap space that is free.
    pub swap_free: u64,
}

/// A file system on a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskFacts {
    /// The device.
    pub device: String,
    /// The directory where it is mounted.
    pub mount_point: String,
    /// The kind of the file system, such as `ext4`.
    pub file_system: String,
    /// The size in bytes.
    pub total: u64,
    /// The bytes that can still be written.
    pub available: u64,
    /// `true` if nothing can be written.
    pub is_read_only: bool,
}

/// The service of the module.
pub(super) struct FactsService {
    /// One call at a time reads the facts, so that many calls do not take many threads.
    turn: Arc<Semaphore>,
}

impl FactsService {
    pub(super) fn new() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        read_in_turn(&self.turn, read).await
    }
}

/// Runs a function on a thread that may block, after the others that have the same `turn`.
pub(super) async fn read_in_turn<T: Send + 'static>(
    turn: &Arc<Semaphore>,
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    let turn = Arc::clone(turn).acquire_owned().await;
    let turn = turn.map_err(Fault::internal)?;
    let reading = spawn_blocking(move || {
        // Kept by the thread, which goes on if the caller leaves.
        let _turn = turn;
        read()
    });
    reading.await.map_err(Fault::internal)
}

#[service(prefix = "facts")]
impl FactsService {
    /// Returns all facts.
    #[service]
    async fn all(&self) -> Result<Facts, Fault> {
        self.read(|| Facts {
            host: host(),
            cpu: cpu(),
            memory: memory(),
            disks: disks(),
            uptime: System::uptime(),
        })
        .await
    }

    /// Returns names and versions.
    #[service]
    async fn host(&self) -> Result<HostFacts, Fault> {
        self.read(host).await
    }

    /// Returns the processors and the load.
    #[service]
    async fn cpu(&self) -> Result<CpuFacts, Fault> {
        self.read(cpu).await
    }

    /// Returns the memory, in bytes.
    #[service]
    async fn memory(&self) -> Result<MemoryFacts, Fault> {
        self.read(memory).await
    }

    /// Returns the file systems on disks.
    #[service]
    async fn disks(&self) -> Result<Vec<DiskFacts>, Fault> {
        self.read(disks).await
    }

    /// Returns the time since the machine was started, in seconds.
    #[service]
    async fn uptime(&self) -> Result<u64, Fault> {
        self.read(System::uptime).await
    }
}

fn host() -> HostFacts {
    HostFacts {
        name: System::host_name().unwrap_or_default(),
        system: System::name().unwrap_or_default(),
        version: System::os_version().unwrap_or_default(),
        kernel: System::kernel_version().unwrap_or_default(),
        architecture: System::cpu_arch(),
        agent: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn cpu() -> CpuFacts {
    let mut system = System::new();
    system.refresh_cpu_list(CpuRefreshKind::nothing());
    let load = System::load_average();
    CpuFacts {
        model: system
            .cpus()
            .first()
            .map_or_else(String::new, |cpu| cpu.brand().to_owned()),
        logical: system.cpus().len(),
        physical: System::physical_core_count(),
        load: [load.one, load.five, load.fifteen],
    }
}

fn memory() -> MemoryFacts {
    let mut system = System::new();
    system.refresh_memory();
    MemoryFacts {
        total: system.total_memory(),
        available: system.available_memory(),
        swap_total: system.total_swap(),
        swap_free: system.free_swap(),
    }
}

fn disks() -> Vec<DiskFacts> {
    let disks = Disks::new_with_refreshed_list();
    let facts = disks.iter().map(|disk| DiskFacts {
        device: disk.name().to_string_lossy().into_owned(),
        mount_point: disk.mount_point().to_string_lossy().into_owned(),
        file_system: disk.file_system().to_string_lossy().into_owned(),
        total: disk.total_space(),
        available: disk.available_space(),
        is_read_only: disk.is_read_only(),
    });
    facts.collect()
}
