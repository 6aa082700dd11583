// An HTTP server for bench/works.py and bench/soak: prints its port; SIGTERM ends it. What is asked for decides what it does
// besides: /file/N writes and reads a file, /thread/N has a new thread compute.
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;

public class Server {
    static final String TEXT = "x".repeat(1000);

    static String answer(String path) throws Exception {
        String[] parts = path.split("/");
        if (path.startsWith("/file/")) {
            Path file = Path.of("file-" + parts[2]);
            Files.writeString(file, path.repeat(100));
            String text = Files.readString(file);
            Files.delete(file);
            return text;
        }
        if (path.startsWith("/thread/")) {
            long[] sum = {0};
            Thread thread = new Thread(() -> {
                for (int i = 0; i < 1000; i++) sum[0] = (sum[0] + i * Long.parseLong(parts[2])) % 1000003;
            });
            thread.start();
            thread.join();
            return sum[0] + "\n";
        }
        return path + "\n" + TEXT;
    }

    public static void main(String[] args) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 100);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/", exchange -> {
            byte[] answer;
            int status = 200;
            try {
                answer = answer(exchange.getRequestURI().getPath()).getBytes();
            } catch (Exception failure) {
                answer = failure.toString().getBytes();
                status = 500;
            }
            exchange.sendResponseHeaders(status, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
        System.out.println(server.getAddress().getPort());
    }
}
