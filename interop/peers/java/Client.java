// A client based on aXMLRPC: checks every capability against the server at the given URL.

import de.timroes.axmlrpc.XMLRPCClient;
import de.timroes.axmlrpc.XMLRPCException;
import de.timroes.axmlrpc.XMLRPCServerException;
import java.io.PrintStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Calendar;
import java.util.Date;
import java.util.GregorianCalendar;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

public final class Client {
    private static final String UNICODE = "é中😀";
    // Without NO_STRING_DECODE the library decodes `&lt;` and `&amp;` twice.
    private static final int FLAGS =
            XMLRPCClient.FLAGS_NIL | XMLRPCClient.FLAGS_8BYTE_INT | XMLRPCClient.FLAGS_NO_STRING_DECODE;
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private static String url;
    private static XMLRPCClient client;

    private interface Check {
        void run() throws Exception;
    }

    @SuppressWarnings("serial")
    private static final class Failure extends Exception {
        Failure(String message) {
            super(message);
        }
    }

    public static void main(String[] arguments) throws Exception {
        url = arguments[0];
        client = new XMLRPCClient(new URL(url), FLAGS);
        numbers();
        strings();
        others();
        containers();
        faults();
        introspection();
        many();
        check("error", () -> {
            wantError(url + "/nowhere");
            wantError("http://127.0.0.1:1/RPC2");
        });
        OUT.println("end");
    }

    private static void numbers() {
        check("int", () -> {
            want(client.call("add", 3, 5), 8);
            wantEchoes(0, 1, Integer.MAX_VALUE);
        });
        check("negative", () -> wantEchoes(-1, Integer.MIN_VALUE));
        check("i8", () -> wantEchoes(1L << 40, Long.MIN_VALUE));
        check("double", () -> wantEchoes(0.5, 123456789.123456789, -1.5e-10, 1e300, 5e-324));
        check("boolean", () -> wantEchoes(true, false));
    }

    private static void strings() {
        check("string", () -> {
            wantEchoes("plain");
            want(client.call("concat", "ab", "cd"), "abcd");
        });
        check("entities", () -> wantEchoes("<&>\"' ]]> &lt; &amp;amp;"));
        check("unicode", () -> wantEchoes(UNICODE));
        check("empty string", () -> wantEchoes(""));
        String spaces = " \t a \n\n b \r\n c \r ";
        check("whitespace", () -> wantEchoes(spaces), "a carriage return is written raw, which XML reads as a newline", () -> want(client.call("echo", spaces), " \t a \n\n b \n c \n "));
    }

    private static void others() {
        check("date", () -> {
            Date date = new GregorianCalendar(1998, Calendar.JULY, 17, 14, 8, 55).getTime();
            wantEchoes(date);
        });
        check("base64", () -> {
            byte[] bytes = new byte[256];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) i;
            }
            wantEchoes(bytes, new byte[0]);
        });
        check("nil", () -> want(client.call("echo", new Object[] {null}), null));
    }

    private static void containers() {
        check("array", () -> wantEchoes(List.of(1, List.of("two", true), List.of(0.5, List.of(-6)))));
        check("empty array", () -> wantEchoes(List.of(), List.of(List.of(), List.of())));
        Object plain = Map.of("a", 1, UNICODE, Map.of("x", "y", "", List.of(2)));
        Object escaped = Map.of("a<&>", 1);
        check("struct", () -> wantEchoes(plain, escaped), "names of members are not escaped: a name with `<` or `&` makes the document malformed", () -> {
            wantEchoes(plain);
            wantFault(-32700, null, "echo", escaped);
        });
        check("empty struct", () -> wantEchoes(Map.of()));
    }

    private static void faults() {
        // The library appends the code to the text.
        check("fault", () -> wantFault(4711, UNICODE + " <&> [4711]", "fail", 4711, UNICODE + " <&>"));
        check("unknown method", () -> wantFault(-32601, null, "nowhere"));
        check("wrong params", () -> {
            wantFault(-32602, null, "add", 1);
            wantFault(-32602, null, "add", "x", 1);
        });
    }

    private static void introspection() {
        check("listMethods", () -> {
            List<Object> names = Arrays.asList((Object[]) client.call("system.listMethods"));
            want(names.contains("add"), true);
        });
        check("methodHelp", () -> want(client.call("system.methodHelp", "add"), "Adds two integers."));
        check("methodSignature", () ->
                want(client.call("system.methodSignature", "add"), List.of(List.of("int", "int", "int"))));
        check("multicall", () -> {
            List<Object> calls = List.of(
                    Map.of("methodName", "add", "params", List.of(3, 5)),
                    Map.of("methodName", "fail", "params", List.of(4711, UNICODE)),
                    Map.of("methodName", "concat", "params", List.of("ab", "cd")));
            want(client.call("system.multicall", calls), List.of(
                    List.of(8), Map.of("faultCode", 4711, "faultString", UNICODE), List.of("abcd")));
        });
    }

    private static void many() {
        check("large document", () -> {
            wantEchoes("large & <long>\n".repeat(70_000));
            wantEchoes(IntStream.range(0, 10_000).boxed().toList());
        });
        check("1,000 calls", () -> {
            Object connection = client.call("interop.connection");
            for (int i = 0; i < 1000; i++) {
                want(client.call("add", i, 1), i + 1);
            }
            want(client.call("interop.connection"), connection);
        });
    }

    private static void check(String capability, Check check) {
        try {
            check.run();
            OUT.println("ok " + capability);
        } catch (Exception failure) {
            OUT.println("fail " + capability + ": " + failure);
        }
    }

    // Reports a check that fails because of a known defect: any other failure is unexpected.
    private static void check(String capability, Check check, String defect, Check asKnown) {
        try {
            check.run();
            OUT.println("ok " + capability);
        } catch (Exception failure) {
            try {
                asKnown.run();
                OUT.println("defect " + capability + ": " + defect);
            } catch (Exception unknown) {
                OUT.println("fail " + capability + ": " + failure);
            }
        }
    }

    private static void wantEchoes(Object... values) throws Exception {
        for (Object value : values) {
            want(client.call("echo", value), value);
        }
    }

    private static void want(Object got, Object wanted) throws Failure {
        if (!same(got, wanted)) {
            throw new Failure("got " + shown(got) + ", wanted " + shown(wanted));
        }
    }

    private static boolean same(Object got, Object wanted) {
        if (got instanceof Object[] elements && wanted instanceof List<?> list) {
            return elements.length == list.size()
                    && IntStream.range(0, elements.length).allMatch(i -> same(elements[i], list.get(i)));
        }
        if (got instanceof Map<?, ?> members && wanted instanceof Map<?, ?> map) {
            return members.keySet().equals(map.keySet())
                    && map.keySet().stream().allMatch(name -> same(members.get(name), map.get(name)));
        }
        // deepEquals compares arrays of bytes by their bytes, and everything else by type and value.
        return Arrays.deepEquals(new Object[] {got}, new Object[] {wanted});
    }

    private static String shown(Object value) {
        String shown = Arrays.deepToString(new Object[] {value});
        return shown.substring(0, Math.min(shown.length(), 200));
    }

    private static void wantFault(int code, String text, String method, Object... parameters) throws Exception {
        try {
            client.call(method, parameters);
        } catch (XMLRPCServerException fault) {
            want(fault.getErrorNr(), code);
            if (text != null) {
                want(fault.getMessage(), text);
            }
            return;
        }
        throw new Failure("no fault");
    }

    private static void wantError(String at) throws Exception {
        try {
            new XMLRPCClient(new URL(at), FLAGS).call("add", 3, 5);
        } catch (XMLRPCServerException fault) {
            throw new Failure("a fault: " + fault);
        } catch (XMLRPCException expected) {
            return;
        }
        throw new Failure("no error from " + at);
    }
}
