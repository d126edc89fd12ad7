/** Java starts a program while it has a queue; jdk.lang.Process.launchMechanism says how. */
public class Spawn {
    static native void open();

    static native void check(String way);

    /** usage: Spawn LIBRARY WAY, where the library is made from java.c. */
    public static void main(String[] arguments) throws Exception {
        System.load(arguments[0]);
        open();
        boolean well = new ProcessBuilder("/bin/true").inheritIO().start().waitFor() == 0;
        System.out.println((well ? "passed " : "failure ") + arguments[1] + ".starts");
        System.out.flush();
        check(arguments[1]);
    }
}
