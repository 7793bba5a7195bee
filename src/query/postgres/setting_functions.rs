//! `current_setting` and `set_config`, which read and change settings of the connection that a statement came from.

use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::settings;
use super::settings_option::SettingsOption;

/// Returns `current_setting(name [, missing_ok])` and `set_config(name, value, is_local)`.
pub(super) fn functions() -> [ScalarUDF; 2] {
    let text = DataType::Utf8;
    let current = vec![
        TypeSignature::Exact(vec![text.clone()]),
        TypeSignature::Exact(vec![text.clone(), DataType::Boolean]),
    ];
    let set = vec![TypeSignature::Exact(vec![text.clone(), text, DataType::Boolean])];
    // A volatile function is not evaluated by the planner, which may do so for a statement that never runs.
    let functions =
        [("current_setting", current, Volatility::Stable), ("set_config", set, Volatility::Volatile)];
    functions.map(|(name, types, volatility)| {
        ScalarUDF::from(SettingFunction { name, signature: Signature::one_of(types, volatility) })
    })
}

/// A function of a setting.
#[derive(Debug, PartialEq, Eq, Hash)]
struct SettingFunction {
    name: &'static str,
    signature: Signature,
}

impl ScalarUDFImpl for SettingFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let connection = args.config_options.extensions.get::<SettingsOption>();
        let value = match args.args.as_slice() {
            [name, new, is_local] => self.set(connection, name, new, is_local)?,
            [name, rest @ ..] => self.current(connection, name, rest.first())?,
            [] => return exec_err!("{} takes the name of a setting", self.name),
        };
        Ok(ColumnarValue::Scalar(ScalarValue::Utf8(value)))
    }
}

impl SettingFunction {
    fn current(
        &self,
        connection: Option<&SettingsOption>,
        name: &ColumnarValue,
        is_optional: Option<&ColumnarValue>,
    ) -> Result<Option<String>> {
        let Some(name) = self.text(name)? else { return Ok(None) };
        let value = match connection {
            Some(SettingsOption(settings)) => settings.get(&name.to_ascii_lowercase()),
            None => settings::value(&name).map(str::to_owned),
        };
        match value {
            None if !is_optional.is_some_and(is_true) => {
                exec_err!("unrecognized configuration parameter \"{name}\"")
            }
            value => Ok(value),
        }
    }

    fn set(
        &self,
        connection: Option<&SettingsOption>,
        name: &ColumnarValue,
        new: &ColumnarValue,
        is_local: &ColumnarValue,
    ) -> Result<Option<String>> {
        let Some(SettingsOption(settings)) = connection else {
            return exec_err!("not supported: {} without a connection that has settings", self.name);
        };
        let Some(name) = self.text(name)? else {
            return exec_err!("{} takes the name of a setting, not NULL", self.name);
        };
        let new = self.text(new)?;
        let set = settings.set(&name.to_ascii_lowercase(), new.as_deref(), is_true(is_local));
        set.map(Some).map_err(|why| DataFusionError::External(Box::new(why)))
    }

    /// Returns the text of an argument; `None` for NULL.
    fn text(&self, argument: &ColumnarValue) -> Result<Option<String>> {
        match argument {
            ColumnarValue::Scalar(ScalarValue::Utf8(text)) => Ok(text.clone()),
            _ => exec_err!("{} takes constants and parameters", self.name),
        }
    }
}

fn is_true(argument: &ColumnarValue) -> bool {
    matches!(argument, ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))))
}
