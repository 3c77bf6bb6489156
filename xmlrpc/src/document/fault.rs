//! Reading of faults, complete or not.

use std::fmt;

use farcall_core::Fault;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::xml::trim;

/// Code of a fault that has none: that of exceptions in CPython.
const NO_CODE: i64 = 1;

/// Text of a fault that has none.
const NO_TEXT: &str = "the fault has no text";

/// The members of a fault on the wire, each optional. Other members are counted and ignored.
#[derive(Debug, Default)]
pub(crate) struct FaultMembers {
    code: Option<FaultText>,
    message: Option<FaultText>,
    others: usize,
}

impl FaultMembers {
    /// Returns `true` if a struct among the results of a multicall is a fault. By the protocol it
    /// always is, but some servers do not wrap results, and such a result may be a struct too.
    pub(crate) const fn is_fault(&self) -> bool {
        match (&self.code, &self.message) {
            (Some(_), Some(_)) => true,
            (None, None) => false,
            _ => self.others == 0,
        }
    }
}

impl From<FaultMembers> for Fault {
    fn from(fault: FaultMembers) -> Self {
        let FaultMembers { code, message, .. } = fault;
        let message = message.map_or_else(|| NO_TEXT.to_owned(), |text| text.0);
        let Some(FaultText(code)) = code else {
            return Self::received(NO_CODE, message);
        };
        match trim(&code).parse() {
            Ok(number) => Self::received(number, message),
            // Odoo's old endpoint sends the name of an exception as the code.
            Err(_) => Self::received(1, format!("{code}: {message}")),
        }
    }
}

impl<'de> Deserialize<'de> for FaultMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FaultVisitor)
    }
}

/// Reads the struct of a fault. A scalar instead of the struct is read as the code or the text.
pub(super) struct FaultVisitor;

impl<'de> Visitor<'de> for FaultVisitor {
    type Value = FaultMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the struct of a fault")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<FaultMembers, A::Error> {
        let mut fault = FaultMembers::default();
        while let Some(name) = members.next_key::<String>()? {
            let (place, name) = match name.as_str() {
                "faultCode" => (&mut fault.code, "faultCode"),
                "faultString" => (&mut fault.message, "faultString"),
                _ => {
                    members.next_value::<de::IgnoredAny>()?;
                    fault.others += 1;
                    continue;
                }
            };
            if place.replace(members.next_value()?).is_some() {
                return Err(de::Error::duplicate_field(name));
            }
        }
        Ok(fault)
    }

    fn visit_i64<E: de::Error>(self, code: i64) -> Result<FaultMembers, E> {
        Ok(FaultMembers {
            code: Some(FaultText(code.to_string())),
            ..FaultMembers::default()
        })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<FaultMembers, E> {
        Ok(FaultMembers {
            message: Some(FaultText(text.to_owned())).filter(|text| !text.0.is_empty()),
            ..FaultMembers::default()
        })
    }

    fn visit_unit<E: de::Error>(self) -> Result<FaultMembers, E> {
        Ok(FaultMembers::default())
    }
}

/// A code or a message, read from any scalar type.
#[derive(Debug)]
struct FaultText(String);

impl<'de> Deserialize<'de> for FaultText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = FaultText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a string")
            }

            fn visit_i64<E: de::Error>(self, v: i64) -> Result<FaultText, E> {
                Ok(FaultText(v.to_string()))
            }

            fn visit_bool<E: de::Error>(self, v: bool) -> Result<FaultText, E> {
                Ok(FaultText(i64::from(v).to_string()))
            }

            fn visit_f64<E: de::Error>(self, v: f64) -> Result<FaultText, E> {
                Ok(FaultText(v.to_string()))
            }

            fn visit_str<E: de::Error>(self, v: &str) -> Result<FaultText, E> {
                Ok(FaultText(v.to_owned()))
            }

            fn visit_unit<E: de::Error>(self) -> Result<FaultText, E> {
                Ok(FaultText(String::new()))
            }
        }

        deserializer.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    use farcall_core::protocol::Payload;
    use farcall_core::{FaultKind, FormatError, FormatErrorKind};

    use super::super::reply_fault;
    use super::*;
    use crate::XmlRpc;
    use crate::de::De;

    fn fault(document: &str) -> Result<Option<Fault>, FormatError> {
        let reply = Payload::from(document.as_bytes().to_vec());
        reply_fault(&mut De::of_response(&reply, XmlRpc::default()))
    }

    fn fault_of(members: &[(&str, &str)]) -> Result<Option<Fault>, FormatError> {
        let members: String = members
            .iter()
            .map(|(name, value)| {
                format!("<member><name>{name}</name><value>{value}</value></member>\n")
            })
            .collect();
        fault(&format!(
            "<?xml version='1.0'?>\n<methodResponse><fault><value><struct>{members}</struct></value></fault></methodResponse>"
        ))
    }

    #[test]
    fn faults_are_read_in_all_their_forms() {
        let message = ("faultString", "<string>no</string>");
        for code in [
            "<int>4</int>",
            "<i4>4</i4>",
            "<i8>4</i8>",
            "<string>4</string>",
            " 4 ",
            "<double>4.0</double>",
        ] {
            for members in [
                [("faultCode", code), message],
                [message, ("faultCode", code)],
            ] {
                assert_eq!(fault_of(&members).unwrap(), Some(Fault::new(4, "no")));
            }
        }
        let extra = ("trace", "<array><data><value><nil/></value></data></array>");
        let members = [
            extra,
            ("faultCode", "<i4>-32601</i4>"),
            ("faultString", "no &amp; no"),
        ];
        let fault = fault_of(&members).unwrap().unwrap();
        assert_eq!(
            (fault.kind(), fault.message()),
            (FaultKind::UnknownMethod, "no & no")
        );
        let members = [("faultCode", "AccessDenied"), message];
        assert_eq!(
            fault_of(&members).unwrap(),
            Some(Fault::new(1, "AccessDenied: no"))
        );
    }

    #[test]
    fn a_result_is_no_fault_and_a_broken_fault_is_an_error() {
        assert_eq!(
            fault("<methodResponse><params><param><value/>").unwrap(),
            None
        );
        for none in ["<methodResponse/>", "<methodResponse><params/>"] {
            assert_eq!(fault(none).unwrap(), None, "{none}");
        }
        let list = "<array><data/></array>";
        assert!(fault_of(&[("faultCode", list)]).is_err());
        assert!(fault_of(&[("faultCode", "1"), ("faultCode", "1")]).is_err());
        for document in [
            "<html><body>502</body></html>",
            "<!DOCTYPE html><html/>",
            "502 Bad Gateway",
            "",
            "<methodResponse><fault>",
            "<methodResponse><fault/>",
            "<methodResponse><fault><struct></fault></methodResponse>",
            "<methodResponse><fault><struct/><struct/></fault></methodResponse>",
            "<methodResponse><fault><struct/>x</fault></methodResponse>",
            "<methodResponse><fault><value/><value/></fault></methodResponse>",
            "<methodResponse><fault><int>4</int></fault></methodResponse>",
            "<methodResponse><fault>x</fault></methodResponse>",
            "<methodResponse><fault><value><array/></value></fault></methodResponse>",
            "<methodResponse><fault/><params/></methodResponse>",
        ] {
            assert!(fault(document).is_err(), "{document}");
        }
    }

    /// Servers of BitTorrent and exam software have sent such faults for years.
    #[test]
    fn faults_without_a_value_or_members_are_read() {
        let code = "<member><name>faultCode</name><value><int>4</int></value></member>";
        let text = "<member><name>faultString</name><value><string>no</string></value></member>";
        let named = |code, text: &str| Some(Fault::new(code, text));
        for (content, expected) in [
            (format!("<struct>{code}{text}</struct>"), named(4, "no")),
            (
                format!("\n<struct>\n{text}\n{code}\n</struct>\n"),
                named(4, "no"),
            ),
            (format!("<struct>{code}</struct>"), named(4, NO_TEXT)),
            (format!("<struct>{text}</struct>"), named(NO_CODE, "no")),
            (
                format!("<value><struct>{code}</struct></value>"),
                named(4, NO_TEXT),
            ),
            (
                format!("<value><struct>{text}</struct></value>"),
                named(1, "no"),
            ),
            ("<value><struct/></value>".to_owned(), named(1, NO_TEXT)),
            ("<struct/>".to_owned(), named(1, NO_TEXT)),
            ("<value><nil/></value>".to_owned(), named(1, NO_TEXT)),
            ("<value/>".to_owned(), named(1, NO_TEXT)),
            (String::new(), named(1, NO_TEXT)),
            ("<value>no</value>".to_owned(), named(1, "no")),
            ("<value><int>4</int></value>".to_owned(), named(4, NO_TEXT)),
        ] {
            let document = format!("<methodResponse><fault>{content}</fault></methodResponse>");
            assert_eq!(fault(&document).unwrap(), expected, "{document}");
        }
        let empty = "<methodResponse><fault/></methodResponse>";
        assert_eq!(fault(empty).unwrap(), named(1, NO_TEXT));
        // The limits hold without a `<value>` too.
        let deep = "<array><data><value>".repeat(100);
        let member = format!("<member><name>x</name><value>{deep}");
        let document = format!("<methodResponse><fault><struct>{member}");
        let error = fault(&document).unwrap_err();
        assert_eq!(error.kind(), FormatErrorKind::Limit);
    }

    #[test]
    fn a_struct_among_results_is_a_fault_if_it_has_nothing_else() {
        let is_fault = |members: &str| {
            let value = format!("<value><struct>{members}</struct></value>");
            let value = Payload::from(value.into_bytes());
            let members: FaultMembers = XmlRpc::default().decode_value(&value).unwrap();
            members.is_fault()
        };
        let code = "<member><name>faultCode</name><value><int>4</int></value></member>";
        let text = "<member><name>faultString</name><value>no</value></member>";
        let other = "<member><name>x</name><value/></member>";
        for fault in [
            code,
            text,
            &[code, text].concat(),
            &[other, text, code].concat(),
        ] {
            assert!(is_fault(fault), "{fault}");
        }
        for other in ["", other, &[other, text].concat(), &[code, other].concat()] {
            assert!(!is_fault(other), "{other}");
        }
    }
}
