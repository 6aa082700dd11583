//! `usertrap sites`: every `syscall` of a file or a process, and what the
//! library would do with it.
//!
//! | module | what it does |
//! |---|---|
//! | [`module`] | an ELF file laid out in memory, its functions and symbols |
//! | [`process`] | the mappings of a live process |
//! | [`survey`] | finds the sites, and judges them with the rewriter's own code |
//! | [`numbers`] | the number that the code before a site loads |
//! | [`report`] | text and JSON |
//! | [`vet`] | every pair of bytes that could be a call, proved or not |

mod module;
mod numbers;
mod process;
mod report;
mod survey;
mod vet;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::cli::SitesOptions;
use crate::failure::Failure;
use crate::prover::code;
use crate::prover::trampoline::{Ours, keeps_syscall};
use module::Module;
use process::Process;
use report::Report;

/// Where the library's tables lie if nothing is in the way.
const PREFERRED: u32 = 0x050f_0000;
const SPANS: u32 = 0x0f06_0000;
/// Where the table lies in programs whose own memory begins low, so that their
/// heap may need the preferred place.
const FALLBACK: u32 = 0x7f06_0000;

/// Prints what is asked for.
///
/// # Errors
/// What cannot be looked at. Of several files those before it are printed.
pub(crate) fn run(options: &SitesOptions) -> Result<(), Failure> {
    match options.pid {
        Some(pid) => {
            let process = Process::read(pid).map_err(|error| Failure::NoProcess { pid, error })?;
            let modules = process.modules.iter().map(|(name, module)| (name.clone(), module));
            if options.vet {
                code::expect_seals();
                return vet(options, modules, process.ours);
            }
            let ours = process.ours.unwrap_or(tables(options.table.unwrap_or(PREFERRED)));
            print(
                options,
                modules.map(|(name, module)| look(name, module, ours, &process.rewritten)),
            )
        }
        None => {
            let mut modules = Vec::new();
            let mut failed = None;
            for path in &options.files {
                match file(path) {
                    Ok(module) => modules.push((path.display().to_string(), module)),
                    Err(failure) => {
                        failed = Some(failure);
                        break;
                    }
                }
            }
            let named = modules.iter().map(|(name, module)| (name.clone(), module));
            let reports = modules.iter().map(|(name, module)| {
                let usual = if module.fixed { FALLBACK } else { PREFERRED };
                let ours = tables(options.table.unwrap_or(usual));
                look(name.clone(), module, ours, &BTreeMap::new())
            });
            let printed = if modules.is_empty() {
                Ok(())
            } else if options.vet {
                vet(options, named, None)
            } else {
                print(options, reports)
            };
            printed.and(failed.map_or(Ok(()), Err))
        }
    }
}

/// Prints what is said of these modules.
fn vet<'a>(
    options: &SitesOptions,
    modules: impl Iterator<Item = (String, &'a Module)>,
    ours: Option<Ours>,
) -> Result<(), Failure> {
    let ours = ours.unwrap_or(tables(options.table.unwrap_or(FALLBACK)));
    let reports: Vec<_> = modules.map(|(name, module)| vet::vet(name, module, &ours)).collect();
    write(&if options.json {
        vet::json(&reports)
    } else {
        vet::text(&reports)
    })
}

/// The tables of a process whose first one lies there.
fn tables(table: u32) -> Ours {
    let spans = if keeps_syscall(table) { SPANS } else { table };
    Ours {
        table,
        spans,
        ..Ours::NONE
    }
}

fn look<'a>(name: String, module: &'a Module, ours: Ours, rewritten: &BTreeMap<u64, &'static str>) -> Report<'a> {
    Report {
        name,
        module,
        survey: survey::survey(module, &ours, rewritten),
        table: ours.table,
    }
}

fn file(path: &Path) -> Result<Module, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::NoFile {
        path: path.to_owned(),
        error,
    })?;
    Module::of_file(&bytes).map_err(|what| Failure::NotElf {
        path: path.to_owned(),
        what,
    })
}

fn print<'a>(options: &SitesOptions, reports: impl Iterator<Item = Report<'a>>) -> Result<(), Failure> {
    let reports: Vec<_> = reports.collect();
    let text = if options.json {
        report::json(&reports)
    } else {
        report::text(&reports)
    };
    write(&text)
}

fn write(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::Output { error })
}
