//! The grid of a sweep: which keys take which values.

use anyhow::bail;

use crate::args::ScenarioArgs;
use crate::command::batch;
use crate::engines::Override;
use crate::points::Configuration;
use crate::{Registry, terminal};

/// Keys and their values.
#[derive(Debug)]
pub(super) struct Grid {
    /// The keys, as typed.
    pub paths: Vec<String>,
    /// The values of each, as typed.
    typed: Vec<Vec<String>>,
    /// For each combination the value of each key: as the resolved scenario has it, so that `1k`
    /// and `1000` are the same; tables as typed. Filled by [`Grid::load`].
    cells: Vec<Vec<String>>,
}

impl Grid {
    /// Reads the arguments of `--vary`.
    pub(super) fn new(arguments: &[String]) -> anyhow::Result<Self> {
        let mut grid = Self { paths: Vec::new(), typed: Vec::new(), cells: Vec::new() };
        for argument in arguments {
            let Some((path, values)) = argument.split_once('=') else {
                bail!("--vary {argument}: has no `=`: write path=a,b, such as protocol.fanout=4,8");
            };
            let path = path.trim();
            if path == "seed" {
                bail!("--vary {argument}: every run has a seed of its own; --seeds says how many");
            }
            if grid.paths.iter().any(|known| known == path) {
                bail!("--vary {argument}: `{path}` is varied twice; put all its values in one");
            }
            grid.typed.push(batch::list(&format!("--vary {path}="), values)?);
            grid.paths.push(path.to_owned());
        }
        Ok(grid)
    }

    /// How many combinations there are.
    pub(super) fn combinations(&self) -> u64 {
        self.typed.iter().fold(1, |product, values| product.saturating_mul(values.len() as u64))
    }

    /// Checks every combination; the last key varies fastest.
    pub(super) fn load(
        mut self,
        args: &ScenarioArgs,
        registry: &Registry,
    ) -> anyhow::Result<(Self, Vec<Configuration>)> {
        let mut configurations: Vec<Configuration> = Vec::new();
        for index in 0..self.combinations() {
            let values = self.values(index);
            let mut args = args.clone();
            for (path, value) in self.paths.iter().zip(&values) {
                let set = format!("{path}={value}");
                // Unreadable ones are named as what they were typed as.
                Override::set(&set).map_err(|error| varied(&error.to_string()))?;
                args.set.push(set);
            }
            let loaded = Configuration::load(&args, registry)
                .map_err(|error| varied_if(&terminal::told(&error), &self.paths))?;
            let table = loaded.scenario.to_toml().parse::<toml::Table>().unwrap_or_default();
            let cells: Vec<String> = self
                .paths
                .iter()
                .zip(&values)
                .map(|(path, typed)| resolved(&table, path).unwrap_or_else(|| typed.clone()))
                .collect();
            if let Some(twin) = configurations.iter().position(|c| c.scenario == loaded.scenario) {
                bail!(
                    "--vary: `{}` and `{}` are the same scenario; leave one out (a flag such as \
                     --nodes goes before --vary)",
                    label(&self.paths, &self.values(twin as u64)),
                    label(&self.paths, &values)
                );
            }
            configurations.push(loaded.labelled(label(&self.paths, &cells)));
            self.cells.push(cells);
        }
        Ok((self, configurations))
    }

    /// The values of a combination, in the order of the keys.
    pub(super) fn cells(&self, index: usize) -> &[String] {
        self.cells.get(index).map_or(&[], Vec::as_slice)
    }

    /// The keys and values of a combination.
    pub(super) fn parameters(&self, index: usize) -> Vec<(&str, &str)> {
        let cells = self.cells(index).iter().map(String::as_str);
        self.paths.iter().map(String::as_str).zip(cells).collect()
    }

    fn values(&self, index: u64) -> Vec<String> {
        let mut left = index;
        let mut values: Vec<String> = self
            .typed
            .iter()
            .rev()
            .map(|values| {
                let value = values[(left % values.len() as u64) as usize].clone();
                left /= values.len() as u64;
                value
            })
            .collect();
        values.reverse();
        values
    }
}

/// An error about `--set` as one about `--vary`, which is what was typed.
fn varied(message: &str) -> anyhow::Error {
    anyhow::anyhow!(message.replace("--set ", "--vary "))
}

/// The same where it is about one of these keys.
fn varied_if(message: &str, paths: &[String]) -> anyhow::Error {
    paths.iter().fold(anyhow::anyhow!(message.to_owned()), |error, path| {
        let text = terminal::told(&error);
        anyhow::anyhow!(text.replace(&format!("--set {path}="), &format!("--vary {path}=")))
    })
}

fn label(paths: &[String], values: &[String]) -> String {
    let parts: Vec<String> =
        paths.iter().zip(values).map(|(path, value)| format!("{path}={value}")).collect();
    parts.join(", ")
}

/// A plain value of a resolved scenario.
fn resolved(table: &toml::Table, path: &str) -> Option<String> {
    let mut keys = path.split('.').map(|key| key.trim().trim_matches('"'));
    let mut value = table.get(keys.next()?)?;
    for key in keys {
        value = match value {
            toml::Value::Table(table) => table.get(key)?,
            toml::Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    fn load(vary: &[&str]) -> anyhow::Result<(Grid, Vec<Configuration>)> {
        let vary: Vec<String> = vary.iter().map(|v| (*v).to_owned()).collect();
        let args = ScenarioArgs { scenario: Some("phold".into()), ..ScenarioArgs::default() };
        Grid::new(&vary)?.load(&args, &fabricated::registry())
    }

    #[test]
    fn combinations_have_the_values_of_the_resolved_scenario() {
        let (grid, configurations) =
            load(&["nodes=1k,2_000", "protocol.lookahead=1ms,\"2ms\""]).expect("a grid");
        let cells: Vec<&[String]> = (0..4).map(|index| grid.cells(index)).collect();
        assert_eq!(cells[0], ["1000", "1ms"]);
        assert_eq!(cells[1], ["1000", "2ms"]);
        assert_eq!(cells[3], ["2000", "2ms"]);
        assert_eq!(configurations[2].label, "nodes=2000, protocol.lookahead=1ms");
        assert_eq!(configurations[2].scenario.nodes, 2_000);
        assert_eq!(grid.parameters(3)[0], ("nodes", "2000"));
    }

    #[test]
    fn what_cannot_be_varied_is_named() {
        for (vary, part) in [
            (&["nodes"][..], "--vary nodes: has no `=`"),
            (&["nodes=1,,2"], "a value is missing"),
            (&["seed=1,2"], "--seeds says how many"),
            (&["nodes=1k", "nodes=2k"], "varied twice"),
            (&["nodes=1k,1000"], "are the same scenario"),
            (&["protocol.remot=0.5"], "--vary protocol.remot=0.5"),
            (&["protocol.remot=0.5"], "did you mean `remote`"),
            (&["protocol.remote=0.5,7"], "--vary protocol.remote=7"),
            (&["a b=1"], "--vary a b=1"),
        ] {
            let error = load(vary).expect_err("refused").to_string();
            assert!(error.contains(part), "{vary:?}: {error}");
        }
    }
}
