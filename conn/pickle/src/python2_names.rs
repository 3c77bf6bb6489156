//! Names of modules and classes in Python 2.
//!
//! Up to protocol 2, Python 3 writes these names, so that Python 2 can read them (`fix_imports`).

/// Returns the Python 3 name of `module.name` in Python 2, from CPython's `_compat_pickle`.
pub(super) fn to_python3<'m>(module: &'m str, name: &'m str) -> (&'m str, &'m str) {
    match (module, name) {
        ("UserDict", "IterableUserDict") => ("collections", "UserDict"),
        ("__builtin__", "basestring" | "unicode") => ("builtins", "str"),
        ("__builtin__", "intern") => ("sys", "intern"),
        ("__builtin__", "long") => ("builtins", "int"),
        ("__builtin__", "reduce") => ("functools", "reduce"),
        ("__builtin__", "unichr") => ("builtins", "chr"),
        ("__builtin__", "xrange") => ("builtins", "range"),
        ("_multiprocessing", "Connection") => ("multiprocessing.connection", name),
        ("_socket", "fromfd") => ("socket", name),
        ("exceptions", "StandardError") => ("builtins", "Exception"),
        ("itertools", "ifilter") => ("builtins", "filter"),
        ("itertools", "ifilterfalse") => ("itertools", "filterfalse"),
        ("itertools", "imap") => ("builtins", "map"),
        ("itertools", "izip") => ("builtins", "zip"),
        ("itertools", "izip_longest") => ("itertools", "zip_longest"),
        (
            "multiprocessing",
            "AuthenticationError" | "BufferTooShort" | "ProcessError" | "TimeoutError",
        )
        | ("multiprocessing.process", "Process") => ("multiprocessing.context", name),
        ("multiprocessing.forking", "Popen") => ("multiprocessing.popen_fork", name),
        ("socket", "_socketobject") => ("socket", "SocketType"),
        ("urllib", "ContentTooShortError") | ("urllib2", "HTTPError" | "URLError") => {
            ("urllib.error", name)
        }
        ("urllib", "quote" | "quote_plus" | "unquote" | "unquote_plus" | "urlencode") => {
            ("urllib.parse", name)
        }
        (
            "urllib",
            "getproxies" | "pathname2url" | "url2pathname" | "urlcleanup" | "urlopen"
            | "urlretrieve",
        ) => ("urllib.request", name),
        _ => (python3_module(module), name),
    }
}

fn python3_module(module: &str) -> &str {
    match module {
        "exceptions" => "builtins",
        "dummy_thread" => "_dummy_thread",
        "markupbase" => "_markupbase",
        "thread" => "_thread",
        "__builtin__" => "builtins",
        "UserDict" | "UserList" | "UserString" => "collections",
        "_abcoll" => "collections.abc",
        "ConfigParser" => "configparser",
        "copy_reg" => "copyreg",
        "anydbm" | "whichdb" => "dbm",
        "dbhash" => "dbm.bsd",
        "dumbdbm" => "dbm.dumb",
        "gdbm" => "dbm.gnu",
        "dbm" => "dbm.ndbm",
        "htmlentitydefs" => "html.entities",
        "HTMLParser" => "html.parser",
        "httplib" => "http.client",
        "cookielib" => "http.cookiejar",
        "Cookie" => "http.cookies",
        "BaseHTTPServer" | "CGIHTTPServer" | "SimpleHTTPServer" => "http.server",
        "StringIO" | "cStringIO" => "io",
        "cPickle" => "pickle",
        "Queue" => "queue",
        "repr" => "reprlib",
        "SocketServer" => "socketserver",
        "commands" => "subprocess",
        "test.test_support" => "test.support",
        "Tkinter" => "tkinter",
        "tkColorChooser" => "tkinter.colorchooser",
        "tkCommonDialog" => "tkinter.commondialog",
        "Tkconstants" => "tkinter.constants",
        "Dialog" => "tkinter.dialog",
        "Tkdnd" => "tkinter.dnd",
        "FileDialog" | "tkFileDialog" => "tkinter.filedialog",
        "tkFont" => "tkinter.font",
        "tkMessageBox" => "tkinter.messagebox",
        "ScrolledText" => "tkinter.scrolledtext",
        "SimpleDialog" | "tkSimpleDialog" => "tkinter.simpledialog",
        "Tix" => "tkinter.tix",
        "ttk" => "tkinter.ttk",
        "urlparse" => "urllib.parse",
        "urllib2" => "urllib.request",
        "robotparser" => "urllib.robotparser",
        "_winreg" => "winreg",
        "_elementtree" => "xml.etree.ElementTree",
        "xmlrpclib" => "xmlrpc.client",
        "DocXMLRPCServer" | "SimpleXMLRPCServer" => "xmlrpc.server",
        module => module,
    }
}

#[cfg(test)]
mod tests {
    use super::to_python3;

    #[test]
    fn python_2_names_are_translated() {
        for (old, new) in [
            (("__builtin__", "xrange"), ("builtins", "range")),
            (("__builtin__", "set"), ("builtins", "set")),
            (("exceptions", "ValueError"), ("builtins", "ValueError")),
            (("exceptions", "StandardError"), ("builtins", "Exception")),
            (
                ("copy_reg", "_reconstructor"),
                ("copyreg", "_reconstructor"),
            ),
            (("app", "Point"), ("app", "Point")),
        ] {
            assert_eq!(to_python3(old.0, old.1), new);
        }
    }
}
