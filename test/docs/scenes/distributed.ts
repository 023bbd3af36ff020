/** An application with a service, beside a server. */
export const readPage = (task: string) => `read: ${task}`;

export async function end(): Promise<void> {
  process.exit();
}
