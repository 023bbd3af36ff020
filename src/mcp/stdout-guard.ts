import { Writable } from 'node:stream';

/**
 * Takes stdout for the protocol: whatever else is written to it (`console.log` of a service) goes to stderr. Children
 * must not inherit file descriptor 1; nothing in this process can guard that.
 *
 * @returns The stream that still leads to stdout. Its `writableLength` is what the reader has not taken yet.
 */
export function claimStdout(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Writable {
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  // A broken pipe reaches the transport through the callback of the write; the event would end the process.
  stdout.on('error', () => {});
  const wire = new Writable({
    decodeStrings: false,
    write: (chunk, encoding, done) => void write(chunk, encoding, done),
  });
  // The SDK listens once per waiting answer.
  wire.setMaxListeners(0);
  return wire;
}
