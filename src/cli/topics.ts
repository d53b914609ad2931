/** Short texts for people, by topic; `fisherman help <topic>` prints them. */
export const TOPICS: Readonly<Record<string, { about: string; text: string }>> = {
  start: {
    about: 'from nothing to the first verdict',
    text: `
1. fisherman doctor            looks at this machine: ffmpeg, sandbox, cards, a self-test
2. fisherman init              five questions; begin with mode observe, which needs no key and signs nothing
3. fisherman run               starts; Ctrl-C ends it in order
4. http://127.0.0.1:7936/      the page: what was checked, found and spent

To see a whole network first: fisherman demo, a minute on this machine with cheats that are convicted.
When you trust it: mode attest signs answers, dry-run shows what would be sent to the chain, active sends it.`,
  },
  keys: {
    about: 'what a key signs, where it lies, how to move it',
    text: `
fisherman keys new makes a keystore and a password file, both for your eyes only (chmod 600). One key is one member: its address holds the
bond, signs answers and votes, and sends what the contracts take from a member alone. A key called sender may pay for the rest.

A key signs in one place. The first start takes --first-start, your word that it signs nowhere else; later starts wait until another
fisherman returned the last head of your log. A copy of the folder, or a second daemon, stops the signing for good and says so.
To another machine: stop it there and type fisherman guard export FILE; fisherman keys export KEY does the same for the key. Here
  fisherman guard import FILE
  fisherman keys import KEY --password-file PASSWORD
The password lies beside the keystore (PURPOSE.password); carry it apart from it. keys export copies the key that the configuration names.`,
  },
  money: {
    about: 'what it may spend, lock and earn',
    text: `
Nothing is sent but in mode active. limits.gasPerDay, limits.bond, limits.slashesPerDay and limits.maxFeeGwei bound it; what is left out follows
the network (fisherman config show). A file called STOP in the data folder stops all sending while it lies there.

A member bonds with fisherman bond deposit and leaves with bond exit, then withdraw after 21 days or more. A case locks a bond until it
ends; a dismissed one costs it. Who finds a fault gets a tenth of what is taken, paid when the case is settled, after the appeal.`,
  },
  cases: {
    about: 'how a fault becomes a conviction, and what the accused can do',
    text: `
Faults that signatures prove (O1 to O6) are committed to, revealed, and taken at once. Wrong pictures (D1 to D3) open a case with a bond; the
deposit is frozen, the accused has 24 hours, members replay the evidence and vote: more than two thirds of the weight, three at least.
fisherman case ls shows all, case show ID one with its story and what comes next; sample explain why a receipt was looked at.

Before anybody accuses: fisherman selfcheck FEED says what fishermen would say of a node, and tells nobody.
The accused: fisherman case answer ID --rebuttal FILE --publish FOLDER while it is open; its words are then shown beside the accusation. Within 14
days of a conviction: case appeal ID --claim TEXT. The evidence is a bundle that anybody can replay: fisherman replay BUNDLE.`,
  },
  trouble: {
    about: 'when something does not work',
    text: `
/readyz and the log say the reason in one line. Then, in this order:
  fisherman doctor             programs, sandbox, cards, self-test
  fisherman net doctor         reachability, clocks, versions of peers
  fisherman chain status       endpoints, contracts, our account
  fisherman log verify         the whole proof log, entry by entry; log repair says what it would do
  fisherman sample explain ID  why a receipt was or was not checked
Too much load: fisherman pause, then lower budget, ffmpegJobs, or raise nice. Alerts from outside: fisherman monitor.`,
  },
  probe: {
    about: 'buy transcodes as a gateway does, and look at what comes',
    text: `
fisherman probe https://node.example:8935 sends a node a stream that nobody has seen before, at the pace of a camera, downloads what it made, and
judges each rendition. Give it videos of your own (--sources FOLDER, some minutes each): it cuts random pieces in random frames, sizes, rates and
ladders, so that a node can neither tell it from traffic nor answer from memory. Without a folder it generates pictures; a node might know those
by their look. --sheets FOLDER keeps a picture of what failed. --capacity N sends N streams at the same moment and counts those that come in time.

Nodes with a price want a gateway's key with a deposit in Livepeer's TicketBroker (--key, --password-file), and take lottery tickets: what is
spent is written beside the key before a ticket is signed, and --max-price, --max-ticket-value, --max-face-value and --max-per-day bound it. With
--rpc and --deployment deposit and reserve are looked up first. Use keys that nobody connects with you, and none that does anything else.

A daemon does it by itself with probe.perDay in its configuration: every node of the chain's list, at random times, with one of probe.keys. What it finds is a
sample in the scores that it publishes (never in a court), and a segment that came without a receipt in the node's feed counts as failed there.
With probe.burst it also asks for so many streams at once, twice a round, a minute after the beacon of a window that names the node: every fisherman
at the same moment, so that nodes that share a card are asked together. What comes whole, in time and is no garbage is the capacity in the scores.

A fail here has no receipt behind it: it goes to no court and onto no chain, it is yours to know. A refusal, a slow answer, a rendition that was
gone, and everything that went wrong on this machine is no fail.`,
  },
  idle: {
    about: 'who earns without working, and how anybody derives it again',
    text: `
fisherman idle reads the events of the last whole rounds from Livepeer's contracts: calls of reward and what they minted, winning tickets and who
sent them, bonds, service URIs. Beside them it puts what a daemon of yours saw (--data-dir): receipts, samples, proven faults, answered streams. From
these rows, and nothing else, follows a class for each orchestrator, with the reason in words. Nobody is called idle for fewer than 30 rounds, no
class is an accusation, and none goes onto a chain: a node may work for gateways that you do not see.

--out FOLDER writes the dataset of the last whole round: events, state, evidence and results as lines of canonical JSON, each file named by its
hash, a manifest with their Merkle root and the hashes of the first and last block, and a signature where a key is there. fisherman idle verify
FOLDER derives every number again and names what differs; it needs no key, no chain and no daemon.

--publish writes it to the folder of a daemon that runs, whose page, API and /fisherman/v1/idle/round-N show it to whoever can reach them; idle
verify takes that address too. ops/systemd/fisherman-idle.timer does it after each round.`,
  },
  privacy: {
    about: 'what leaves this machine',
    text: `
To feeds: signed requests for blobs of receipts that you were drawn for. To peers: your statements (seals, answers, votes, heads), your agent
name and addresses; bundles of evidence, to registered members and over /fisherman/v1/bundles to whoever knows the hash, once their case is on the
chain or your answer is opened, not before. To the chain: commitments, proofs, cases. To nobody: keys, draws before they are answered, your page, your
metrics (http.openMetrics changes that). Nothing else is asked of or told to anybody.

Private streams: a node may mark a receipt. Its bytes are then deleted here as soon as they are judged, and at the next start at the latest; page and
API show numbers and no pictures (http.showPrivate changes that for your eyes); a bundle is kept only where it failed, goes to registered members
alone, and no contact sheet is drawn. A conviction that rests on such a bundle is checked by members, not by everybody.`,
  },
  playback: {
    about: 'work without receipts: public streams and donated segments',
    text: `
fisherman playback URL      follows an HLS master playlist and judges renditions of segments drawn at random against their source
fisherman receive           takes segments that gateways donate: --token-file names donors, --listen the address

Nobody signed this work: what is found accuses nobody, raises no evidence score and is told to nobody. A fail says that a rendition differs from
its source in this stream; where no variant is called source the highest one stands for it, and the fail may be its own fault.

Only public addresses are connected to, at redirects too (--allow-private lifts that). Donated media is deleted when it is judged; hashes and numbers
stay, pictures are drawn for playback --sheet alone. src/playback/README.md has the form of a donation and all limits.`,
  },
  upgrade: {
    about: 'new versions and old folders',
    text: `
Stop the daemon, install, start it: data folders of earlier versions are brought forward at the start, and the log keeps its history and its
root (its layout is 4 now; an older program does not open a newer layout, so keep a copy of the folder until you are content, and never run both).
A new verdict version speaks on topics of its own: update within days, or your answers are heard by few. fisherman net doctor says when most
peers speak a newer one. Renamed since 0.1: FISHERMAN_PASSWORD_FILE is FISHERMAN_KEY_PASSWORD_FILE now.
The systemd units set FISHERMAN_DATA_DIR no longer: before you copy new ones, write dataDir: /var/lib/fisherman into the file.`,
  },
}
