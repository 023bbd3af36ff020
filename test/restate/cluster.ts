import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type EngineServer, startEngineServer } from '../../src/cli/engine/engine-server.js';
import { silentLog } from '../../src/core/environment.js';
import { freePort } from './server.js';

/** Nodes on this machine that keep every record twice. */
export interface TestCluster {
  /** Of the first node. */
  readonly ingressUrl: string;
  readonly adminUrl: string;
  /** The node that starts most invocations just now: under load, the leader of the partition of the limits. */
  busiestNode(): Promise<number>;
  /** Kills a node at once, tells so, and starts it again with the same data and ports. */
  killAndStart(node: number, onDead: () => void): Promise<void>;
  stop(): Promise<void>;
}

/** How long the nodes are watched to find the busiest one. */
const WATCH_MS = 300;

/** Starts three nodes of the package beside this file. */
export async function startCluster(): Promise<TestCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'gaffr-restate-'));
  const freePorts = async () => ({
    ingress: await freePort(),
    admin: await freePort(),
    node: await freePort(),
  });
  const ports = [await freePorts(), await freePorts(), await freePorts()];
  const addresses = ports.map(({ node }) => `http://127.0.0.1:${node}`);
  const start = (node: number): Promise<EngineServer> => {
    const name = `node-${node + 1}`;
    return startEngineServer({
      dataFolder: join(folder, name),
      host: '127.0.0.1',
      ports: ports[node] as (typeof ports)[number],
      log: silentLog,
      project: fileURLToPath(new URL('.', import.meta.url)),
      settings: {
        RESTATE_NODE_NAME: name,
        RESTATE_CLUSTER_NAME: 'gaffr-cluster',
        RESTATE_DEFAULT_REPLICATION: '2',
        RESTATE_AUTO_PROVISION: String(node === 0),
        RESTATE_METADATA_CLIENT__ADDRESSES: JSON.stringify(addresses),
      },
    });
  };
  const nodes = await Promise.all(ports.map((_, node) => start(node)));
  const { ingressUrl, adminUrl } = nodes[0] as EngineServer;
  return {
    ingressUrl,
    adminUrl,
    async busiestNode() {
      const before = await Promise.all(addresses.map(startedByPartition));
      await sleep(WATCH_MS);
      const after = await Promise.all(addresses.map(startedByPartition));
      const most = after.map((partitions, node) =>
        Math.max(0, ...[...partitions].map(([id, count]) => count - (before[node]?.get(id) ?? 0))),
      );
      return most.indexOf(Math.max(...most));
    },
    async killAndStart(node, onDead) {
      const victim = nodes[node] as EngineServer;
      if (victim.pid !== undefined) process.kill(victim.pid, 'SIGKILL');
      await victim.ended;
      onDead();
      nodes[node] = await start(node);
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** How many invocations a node has started, by partition, as its figures say. */
async function startedByPartition(address: string): Promise<Map<string, number>> {
  const response = await fetch(`${address}/metrics`, { signal: AbortSignal.timeout(5000) });
  const lines = (await response.text()).matchAll(
    /^restate_invoker_invocation_tasks_total\{(?=[^}]*status="started")[^}]*partition_id="(\d+)"\} (\d+)/gm,
  );
  return new Map([...lines].map(([, partition = '', count]) => [partition, Number(count)]));
}
