// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Digests} from "contracts/Digests.sol";
import {FaultVerifier} from "contracts/FaultVerifier.sol";
import {Court} from "./Court.sol";

/// @title What a proof costs, without the slash call: all stake is behind slashers that take nothing
/// @notice forge-config: default.isolate = true
/// forge-config: deep.isolate = true
/// @dev In isolation each call is a transaction of its own: cold storage, 21,000 and calldata are in the number, as on a chain.
contract GasTest is Court {
    uint256 internal constant SIGNERS = 21;
    address internal finder = address(0xf1);

    function setUp() public override {
        super.setUp();
        // Members up to the largest quorum that is measured; nothing else differs from the other tests.
        for (uint256 i = MEMBERS; i < SIGNERS; i++) memberKeys.push(0xe000 + i);
        for (uint256 i = MEMBERS; i < SIGNERS; i++) join(vm.addr(memberKeys[i]), 1000 * TOKEN);
        pass(120);
        // The next registration moves those that have become active into the sum; then a quorum reads one number.
        join(stranger, 250 * TOKEN);
        vm.prank(stranger);
        registry.requestExit();
        // Balances that are not zero: the first transfer to an address costs more than all later ones.
        give(treasury, 1);
        give(finder, 1);
        give(address(verifier), 1);
        for (uint256 i = 0; i < MEMBERS; i++) give(member(i), 1);
    }

    function makeDepositSlasher(address) internal override returns (address) {
        return deploySlasher("NullSlasher", "");
    }

    function measured(string memory name, uint256 limit) internal {
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue("gas", name, gas);
        atMost(gas, limit, name);
    }

    /// @dev Commits in one call, waits, reveals in the next.
    function reveals(uint8 faultClass, bytes memory evidence, string memory name, uint256 limit) internal {
        bytes32 faultId = faults.checkObjective(faultClass, evidence).faultId;
        bytes32 commitment = commitmentOf(finder, faultId, keccak256("salt"));
        vm.prank(finder);
        verifier.commit(commitment);
        pass(5);
        vm.prank(finder);
        verifier.reveal(faultClass, evidence, keccak256("salt"));
        measured(name, limit);
    }

    function test_gas_commit() public {
        vm.prank(finder);
        verifier.commit(keccak256("commitment"));
        measured("commit", 50_000);
    }

    function test_gas_o1() public {
        Digests.TranscodeReceipt memory a = receiptOf(0, 1);
        Digests.TranscodeReceipt memory b = receiptOf(0, 1);
        b.renditionsRoot = keccak256("other");
        if (digestOf(a) > digestOf(b)) (a, b) = (b, a);
        (bytes memory signatureA, bytes memory signatureB) = (signReceipt(nodeKeys[0], a), signReceipt(nodeKeys[0], b));
        reveals(1, abi.encode(uint8(0), abi.encode(a, signatureA, b, signatureB)), "O1 two receipts", 190_000);
    }

    function test_gas_o1_windows() public {
        Digests.WindowRoot memory a = Digests.WindowRoot(node(0), 7, "a", 5, uint64(block.timestamp));
        Digests.WindowRoot memory b = Digests.WindowRoot(node(0), 7, "b", 5, uint64(block.timestamp));
        bytes memory signatureA = sign(nodeKeys[0], Digests.digest(address(anchor), Digests.hash(a)));
        bytes memory signatureB = sign(nodeKeys[0], Digests.digest(address(anchor), Digests.hash(b)));
        reveals(1, abi.encode(uint8(2), abi.encode(a, signatureA, b, signatureB)), "O1 two windows", 190_000);
    }

    /// @dev Leaves of a ladder of eight.
    function ladder(
        Digests.Rendition memory first,
        Digests.Rendition memory second
    ) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](8);
        (hashes[0], hashes[1]) = (Digests.leaf(first), Digests.leaf(second));
        for (uint16 i = 2; i < 8; i++) hashes[i] = Digests.leaf(leafOf(i, 1));
    }

    function test_gas_o1_leaves() public {
        (Digests.Rendition memory a, Digests.Rendition memory b) = (leafOf(1, 1), leafOf(1, 2));
        if (Digests.leaf(a) > Digests.leaf(b)) (a, b) = (b, a);
        bytes32[] memory hashes = ladder(a, b);
        Digests.TranscodeReceipt memory receipt = receiptOf(0, 1);
        receipt.renditionsRoot = rootOf(hashes);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        bytes memory inner = abi.encode(receipt, signature, a, pathOf(hashes, 0), b, pathOf(hashes, 1));
        reveals(1, abi.encode(uint8(1), inner), "O1 two leaves", 190_000);
    }

    function test_gas_o3() public {
        Digests.TranscodeReceipt memory receipt = receiptOf(0, 1);
        Digests.Rendition memory leaf = leafOf(0, 1);
        leaf.contentHash = receipt.sourceHash;
        bytes32[] memory hashes = ladder(leaf, leafOf(1, 1));
        receipt.renditionsRoot = rootOf(hashes);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        reveals(3, abi.encode(receipt, signature, leaf, pathOf(hashes, 0)), "O3", 190_000);
    }

    /// @dev 256 frames of a segment, the most that a receipt publishes; the k-th pair lies at places 2k and 2k + 1.
    function frameHashes(FaultVerifier.FramePair[] memory pairs, bool both) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](256);
        for (uint256 i = 0; i < 256; i++) hashes[i] = keccak256(abi.encode("frame", i));
        for (uint256 i = 0; i < pairs.length; i++) {
            hashes[2 * i] = Digests.leaf(pairs[i].a);
            if (both) hashes[2 * i + 1] = Digests.leaf(pairs[i].b);
        }
    }

    function pairsOf(uint256 count, uint16 track) internal pure returns (FaultVerifier.FramePair[] memory pairs) {
        pairs = new FaultVerifier.FramePair[](count);
        for (uint32 i = 0; i < count; i++) {
            uint64 hash = uint64(uint256(keccak256(abi.encode("dhash", i))));
            pairs[i].a = Digests.FrameFp(0xffff, i * 8, i * 320, hash, type(uint64).max - 0xff);
            pairs[i].b = Digests.FrameFp(track, i * 8, i * 320, ~hash, type(uint64).max - 0xff00);
        }
    }

    function test_gas_o2() public {
        FaultVerifier.FramePair[] memory pairs = pairsOf(4, 0xffff);
        bytes32[] memory hashesA = frameHashes(pairs, false);
        for (uint256 i = 0; i < 4; i++) pairs[i].pathA = pathOf(hashesA, 2 * i);
        for (uint256 i = 0; i < 4; i++) (pairs[i].a, pairs[i].b) = (pairs[i].b, pairs[i].a);
        bytes32[] memory hashesB = frameHashes(pairs, false);
        for (uint256 i = 0; i < 4; i++) (pairs[i].a, pairs[i].b) = (pairs[i].b, pairs[i].a);
        for (uint256 i = 0; i < 4; i++) pairs[i].pathB = pathOf(hashesB, 2 * i);
        Half memory a = half(1, rootOf(hashesA));
        Half memory b = half(2, rootOf(hashesB));
        // The order of digests is what the seq makes of it.
        while (digestOf(a.receipt) > digestOf(b.receipt)) b.receipt.seq++;
        (a.signature, b.signature) = (signReceipt(nodeKeys[0], a.receipt), signReceipt(nodeKeys[0], b.receipt));
        bytes memory evidence = encodeReuse(
            ReuseEvidence(a.receipt, a.signature, a.leaf, a.path, b.receipt, b.signature, b.leaf, b.path, pairs, profileOf())
        );
        reveals(2, evidence, "O2 4 pairs", 270_000);
    }

    function profileOf() internal pure returns (Digests.Profile memory) {
        return Digests.Profile(1280, 720, 3_000_000, 0, 1, 0, 3, 2000, 0, 23);
    }

    /// @dev One receipt of an O2 with its leaf.
    struct Half {
        Digests.TranscodeReceipt receipt;
        bytes signature;
        Digests.Rendition leaf;
        bytes32[] path;
    }

    function half(uint256 salt, bytes32 fingerprintRoot) internal view returns (Half memory h) {
        h.receipt = receiptOf(0, salt);
        h.leaf = leafOf(0, salt);
        h.leaf.contentHash = keccak256("one content");
        h.leaf.profileHash = Digests.hash(profileOf());
        bytes32[] memory hashes = ladder(h.leaf, leafOf(1, 1));
        h.path = pathOf(hashes, 0);
        h.receipt.renditionsRoot = rootOf(hashes);
        h.receipt.fingerprintRoot = fingerprintRoot;
    }

    function test_gas_o4() public {
        (Digests.Rendition memory a, Digests.Rendition memory b) = (leafOf(0, 1), leafOf(1, 1));
        b.contentHash = a.contentHash;
        (b.width, b.height) = (640, 360);
        bytes32[] memory hashes = ladder(a, b);
        Digests.TranscodeReceipt memory receipt = receiptOf(0, 1);
        receipt.renditionsRoot = rootOf(hashes);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        reveals(4, abi.encode(receipt, signature, a, pathOf(hashes, 0), b, pathOf(hashes, 1)), "O4", 190_000);
    }

    function test_gas_o5() public {
        Digests.Rendition memory leaf = leafOf(0, 1);
        leaf.pixels++;
        bytes32[] memory hashes = ladder(leaf, leafOf(1, 1));
        Digests.TranscodeReceipt memory receipt = receiptOf(0, 1);
        receipt.renditionsRoot = rootOf(hashes);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        reveals(5, abi.encode(receipt, signature, leaf, pathOf(hashes, 0)), "O5", 190_000);
    }

    function test_gas_o6() public {
        FaultVerifier.FramePair[] memory pairs = pairsOf(8, 2);
        bytes32[] memory hashes = frameHashes(pairs, true);
        for (uint256 i = 0; i < 8; i++) (pairs[i].pathA, pairs[i].pathB) = (pathOf(hashes, 2 * i), pathOf(hashes, 2 * i + 1));
        Digests.TranscodeReceipt memory receipt = receiptOf(0, 1);
        receipt.fingerprintRoot = rootOf(hashes);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        reveals(6, abi.encode(receipt, signature, pairs), "O6 8 frames", 330_000);
    }

    function test_gas_o1_delegated_key() public {
        vm.prank(node(0));
        delegation.delegate(vm.addr(0xdead), 1);
        Digests.TranscodeReceipt memory a = receiptOf(0, 1);
        Digests.TranscodeReceipt memory b = receiptOf(0, 1);
        b.renditionsRoot = keccak256("other");
        if (digestOf(a) > digestOf(b)) (a, b) = (b, a);
        (bytes memory signatureA, bytes memory signatureB) = (signReceipt(0xdead, a), signReceipt(0xdead, b));
        reveals(1, abi.encode(uint8(0), abi.encode(a, signatureA, b, signatureB)), "O1 by a delegated key", 190_000);
    }

    function convictWith(uint256 signers, string memory name) internal {
        // The others leave, so that these are a quorum. The case's opener, member 0, stays.
        for (uint256 i = signers; i < SIGNERS; i++) {
            vm.prank(vm.addr(memberKeys[i]));
            registry.requestExit();
        }
        openCase(0, 0, 1);
        pass(1 days);
        uint256[] storage keys = memberKeys;
        while (keys.length > signers) keys.pop();
        sortKeys(keys);
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        bytes memory evidence = verdictOf(0, 1, vote, sharesOf(vote, signers));
        vm.prank(finder);
        verifier.convict(D2, evidence);
        measured(name, 230_000 + 9_000 * (signers - 7));
    }

    function test_gas_conviction_by_7() public {
        convictWith(7, "conviction by 7");
    }

    function test_gas_conviction_by_21() public {
        convictWith(21, "conviction by 21");
    }

    function test_gas_open() public {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(0, 1);
        bytes memory data = openData(D2, receipt, signReceipt(nodeKeys[0], receipt), 1);
        give(member(0), 25 * TOKEN);
        vm.prank(member(0));
        token.approve(address(verifier), 25 * TOKEN);
        vm.prank(member(0));
        (bool ok, ) = address(verifier).call(data);
        isTrue(ok, "open");
        measured("open", 400_000);
    }
}
