// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Digests} from "contracts/Digests.sol";
import {FaultVerifier} from "contracts/FaultVerifier.sol";
import {IFaultVerifier} from "contracts/IFaultVerifier.sol";
import {World} from "./World.sol";

/// @title O1 and O3: the good proof, every careless neighbour of it, and what honest work looks like
contract ObjectiveTest is World {
    uint256 internal constant KEY = 0xdead;

    function check(uint8 faultClass, bytes memory evidence) internal view returns (IFaultVerifier.Fault memory) {
        return faults.checkObjective(faultClass, evidence);
    }

    function refuses(uint8 faultClass, bytes memory evidence, bytes4 selector, string memory what) internal view {
        bytes4 got = errorOf(address(faults), abi.encodeCall(faults.checkObjective, (faultClass, evidence)));
        eq(bytes32(got), bytes32(selector), what);
    }

    // ------------------------------------------------------------------------------------------------------ O1, two receipts

    /// @dev In the one order that a proof has, whichever comes first here.
    function twoReceipts(
        Digests.TranscodeReceipt memory a,
        Digests.TranscodeReceipt memory b
    ) internal view returns (bytes memory) {
        return signedBy(a, nodeKeys[0], b, nodeKeys[0]);
    }

    function signedBy(
        Digests.TranscodeReceipt memory a,
        uint256 keyA,
        Digests.TranscodeReceipt memory b,
        uint256 keyB
    ) internal view returns (bytes memory) {
        if (digestOf(a) > digestOf(b)) (a, keyA, b, keyB) = (b, keyB, a, keyA);
        return raw(a, signReceipt(keyA, a), b, signReceipt(keyB, b));
    }

    function raw(
        Digests.TranscodeReceipt memory a,
        bytes memory signatureA,
        Digests.TranscodeReceipt memory b,
        bytes memory signatureB
    ) internal pure returns (bytes memory) {
        return abi.encode(uint8(0), abi.encode(a, signatureA, b, signatureB));
    }

    function contradiction()
        internal
        view
        returns (Digests.TranscodeReceipt memory a, Digests.TranscodeReceipt memory b)
    {
        a = receiptOf(0, 1);
        b = receiptOf(0, 1);
        b.renditionsRoot = keccak256("other renditions");
    }

    function test_two_receipts_for_one_order_are_a_fault() public view {
        (Digests.TranscodeReceipt memory a, Digests.TranscodeReceipt memory b) = contradiction();
        for (uint256 i = 0; i < 2; i++) {
            IFaultVerifier.Fault memory fault = check(1, i == 0 ? twoReceipts(a, b) : twoReceipts(b, a));
            eq(fault.transcoder, node(0), "transcoder");
            eq(fault.faultId, keccak256(abi.encode("faultId", uint8(1), node(0), a.orderHash)), "faultId");
            (bytes32 x, bytes32 y) = (digestOf(a), digestOf(b));
            eq(fault.receiptDigest, x < y ? x : y, "lower digest");
        }
        if (digestOf(a) < digestOf(b)) (a, b) = (b, a);
        bytes memory turned = raw(a, signReceipt(nodeKeys[0], a), b, signReceipt(nodeKeys[0], b));
        refuses(1, turned, FaultVerifier.NotAscending.selector, "one proof, one encoding");
        b = receiptOf(0, 1);
        b.profilesHash = keccak256("other profiles");
        check(1, twoReceipts(a, b));
        b = receiptOf(0, 1);
        b.sourceHash = keccak256("other source");
        check(1, twoReceipts(a, b));
    }

    function test_what_an_honest_retry_changes_is_no_contradiction() public view {
        Digests.TranscodeReceipt memory a = receiptOf(0, 1);
        Digests.TranscodeReceipt memory b = receiptOf(0, 1);
        refuses(1, twoReceipts(a, b), FaultVerifier.NoContradiction.selector, "signed again");
        b.completedAt += 5;
        refuses(1, twoReceipts(a, b), FaultVerifier.NoContradiction.selector, "completedAt");
        b.round -= 1;
        refuses(1, twoReceipts(a, b), FaultVerifier.NoContradiction.selector, "round");
        b.fingerprintRoot = keccak256("fingerprints came later");
        refuses(1, twoReceipts(a, b), FaultVerifier.NoContradiction.selector, "fingerprintRoot");
    }

    function test_two_orders_or_two_nodes_do_not_contradict() public view {
        (Digests.TranscodeReceipt memory a, Digests.TranscodeReceipt memory b) = contradiction();
        b.orderHash = keccak256("another order of the same segment");
        refuses(1, twoReceipts(a, b), FaultVerifier.DifferentOrders.selector, "orders");
        (a, b) = contradiction();
        b.transcoder = node(1);
        refuses(1, signedBy(a, nodeKeys[0], b, nodeKeys[1]), FaultVerifier.DifferentTranscoders.selector, "nodes");
    }

    function test_each_receipt_must_be_the_nodes_own() public view {
        (Digests.TranscodeReceipt memory a, Digests.TranscodeReceipt memory b) = contradiction();
        refuses(1, signedBy(a, KEY, b, nodeKeys[0]), FaultVerifier.NotSigner.selector, "first");
        refuses(1, signedBy(a, nodeKeys[0], b, KEY), FaultVerifier.NotSigner.selector, "second");
        refuses(1, signedBy(a, nodeKeys[0], b, nodeKeys[1]), FaultVerifier.NotSigner.selector, "another node");
    }

    function test_signatures_have_one_form() public view {
        (Digests.TranscodeReceipt memory a, Digests.TranscodeReceipt memory b) = contradiction();
        bytes memory good = signReceipt(nodeKeys[0], a);
        bytes memory other = signReceipt(nodeKeys[0], b);
        bytes4 bad = FaultVerifier.BadSignature.selector;
        refuses(1, raw(a, malleate(good), b, other), bad, "high s, first");
        refuses(1, raw(a, good, b, malleate(other)), bad, "high s, second");
        (bytes32 r, bytes32 s, uint8 v) = split(good);
        refuses(1, raw(a, abi.encodePacked(r, s), b, other), bad, "64 bytes");
        refuses(1, raw(a, abi.encodePacked(r, s, v, uint8(0)), b, other), bad, "66 bytes");
        refuses(1, raw(a, abi.encodePacked(r, s, uint8(v - 27)), b, other), bad, "v of 0 or 1");
        refuses(1, raw(a, abi.encodePacked(r, s, uint8(29)), b, other), bad, "v of 29");
        refuses(1, raw(a, abi.encodePacked(bytes32(0), s, v), b, other), bad, "r of zero");
        refuses(1, raw(a, new bytes(65), b, other), bad, "all zero");
        refuses(1, raw(a, "", b, other), bad, "none");
    }

    function test_another_chain_or_anchor_is_another_statement() public {
        (Digests.TranscodeReceipt memory a, Digests.TranscodeReceipt memory b) = contradiction();
        bytes memory evidence = twoReceipts(a, b);
        vm.chainId(42161);
        refuses(1, evidence, FaultVerifier.NotSigner.selector, "chain id");
        vm.chainId(31337);
        check(1, evidence);
        bytes memory foreign = sign(nodeKeys[0], Digests.digest(address(0x1), Digests.hash(a)));
        refuses(1, raw(a, foreign, b, signReceipt(nodeKeys[0], b)), FaultVerifier.NotSigner.selector, "anchor");
        refuses(1, raw(b, signReceipt(nodeKeys[0], b), a, foreign), FaultVerifier.NotSigner.selector, "anchor, second");
    }

    function test_the_statute_is_fourteen_rounds_from_the_newer_receipt() public {
        (Digests.TranscodeReceipt memory a, Digests.TranscodeReceipt memory b) = contradiction();
        // Either of the two may be the newer one, and either the one with the lower digest.
        (a.round, b.round) = (3, uint64(FIRST_ROUND));
        bytes memory evidence = twoReceipts(a, b);
        (a.round, b.round) = (b.round, a.round);
        bytes memory turned = twoReceipts(a, b);
        toRound(FIRST_ROUND + 14);
        check(1, evidence);
        check(1, turned);
        vm.warp(block.timestamp + ROUND_SECONDS - 1);
        check(1, evidence);
        pass(1);
        refuses(1, evidence, FaultVerifier.StatuteExpired.selector, "fifteen rounds");
        refuses(1, turned, FaultVerifier.StatuteExpired.selector, "fifteen rounds, turned");
    }

    function test_a_future_round_counts_as_the_current_one() public {
        (Digests.TranscodeReceipt memory a, Digests.TranscodeReceipt memory b) = contradiction();
        a.round = uint64(FIRST_ROUND) + 500;
        b.round = type(uint64).max;
        check(1, twoReceipts(a, b));
        // A key whose span begins later cannot bind by naming a round of its span.
        vm.prank(node(0));
        delegation.delegate(vm.addr(KEY), uint64(FIRST_ROUND) + 1);
        refuses(1, signedBy(a, KEY, b, nodeKeys[0]), FaultVerifier.NotSigner.selector, "not yet a key");
        toRound(FIRST_ROUND + 1);
        check(1, signedBy(a, KEY, b, nodeKeys[0]));
    }

    function test_a_delegated_key_binds_in_its_span_only() public {
        (Digests.TranscodeReceipt memory a, Digests.TranscodeReceipt memory b) = contradiction();
        vm.prank(node(0));
        delegation.delegate(vm.addr(KEY), uint64(FIRST_ROUND));
        bytes memory evidence = signedBy(a, KEY, b, nodeKeys[0]);
        check(1, evidence);
        check(1, signedBy(b, nodeKeys[0], a, KEY));
        a.round -= 1;
        refuses(1, signedBy(a, KEY, b, nodeKeys[0]), FaultVerifier.NotSigner.selector, "before its span");
        vm.prank(node(0));
        delegation.revoke(vm.addr(KEY));
        toRound(FIRST_ROUND + 1);
        check(1, evidence);
        a.round = uint64(FIRST_ROUND) + 1;
        refuses(1, signedBy(a, KEY, b, nodeKeys[0]), FaultVerifier.NotSigner.selector, "after its span");
    }

    // -------------------------------------------------------------------------------------------------------- O1, two leaves

    function twoLeaves(
        Digests.Rendition memory a,
        Digests.Rendition memory b,
        uint256 key
    ) internal view returns (bytes memory evidence, Digests.TranscodeReceipt memory receipt) {
        if (Digests.leaf(a) > Digests.leaf(b)) (a, b) = (b, a);
        return twoLeavesAsGiven(a, b, key);
    }

    function twoLeavesAsGiven(
        Digests.Rendition memory a,
        Digests.Rendition memory b,
        uint256 key
    ) internal view returns (bytes memory evidence, Digests.TranscodeReceipt memory receipt) {
        Digests.Rendition[] memory leaves = new Digests.Rendition[](3);
        (leaves[0], leaves[1], leaves[2]) = (a, b, leafOf(9, 9));
        receipt = receiptOf(0, 2);
        bytes32[] memory hashes = hashesOf(leaves);
        receipt.renditionsRoot = rootOf(hashes);
        bytes memory signature = signReceipt(key, receipt);
        evidence = abi.encode(
            uint8(1),
            abi.encode(receipt, signature, a, pathOf(hashes, 0), b, pathOf(hashes, 1))
        );
    }

    function test_two_leaves_of_one_index_are_a_fault() public view {
        (bytes memory evidence, Digests.TranscodeReceipt memory receipt) = twoLeaves(leafOf(1, 1), leafOf(1, 2), nodeKeys[0]);
        IFaultVerifier.Fault memory fault = check(1, evidence);
        eq(fault.faultId, keccak256(abi.encode("faultId", uint8(1), node(0), receipt.orderHash)), "faultId");
        eq(fault.transcoder, node(0), "transcoder");
        eq(fault.receiptDigest, digestOf(receipt), "digest");
        (Digests.Rendition memory a, Digests.Rendition memory b) = (leafOf(1, 1), leafOf(1, 2));
        if (Digests.leaf(a) < Digests.leaf(b)) (a, b) = (b, a);
        (evidence, ) = twoLeavesAsGiven(a, b, nodeKeys[0]);
        refuses(1, evidence, FaultVerifier.NotAscending.selector, "one proof, one encoding");
    }

    function test_two_leaves_need_one_index_and_a_difference() public view {
        (bytes memory evidence, ) = twoLeaves(leafOf(1, 1), leafOf(2, 1), nodeKeys[0]);
        refuses(1, evidence, FaultVerifier.DifferentIndexes.selector, "indexes");
        (evidence, ) = twoLeaves(leafOf(1, 1), leafOf(1, 1), nodeKeys[0]);
        refuses(1, evidence, FaultVerifier.NoContradiction.selector, "the same leaf");
        (evidence, ) = twoLeaves(leafOf(1, 1), leafOf(1, 2), KEY);
        refuses(1, evidence, FaultVerifier.NotSigner.selector, "not the node's receipt");
    }

    function test_both_leaves_must_lie_under_the_root() public view {
        Digests.Rendition[] memory leaves = new Digests.Rendition[](2);
        (leaves[0], leaves[1]) = (leafOf(1, 1), leafOf(1, 2));
        if (Digests.leaf(leaves[0]) > Digests.leaf(leaves[1])) (leaves[0], leaves[1]) = (leaves[1], leaves[0]);
        Digests.TranscodeReceipt memory receipt = receiptOf(0, 2);
        bytes32[] memory hashes = hashesOf(leaves);
        receipt.renditionsRoot = rootOf(hashes);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        bytes4 not = FaultVerifier.NotUnderRoot.selector;
        bytes32[] memory path0 = pathOf(hashes, 0);
        bytes32[] memory path1 = pathOf(hashes, 1);
        check(1, abi.encode(uint8(1), abi.encode(receipt, signature, leaves[0], path0, leaves[1], path1)));
        refuses(1, abi.encode(uint8(1), abi.encode(receipt, signature, leafOf(1, 3), path0, leaves[1], path1)), not, "first");
        refuses(1, abi.encode(uint8(1), abi.encode(receipt, signature, leaves[0], path0, leafOf(1, 3), path1)), not, "second");
        refuses(1, abi.encode(uint8(1), abi.encode(receipt, signature, leaves[0], path1, leaves[1], path1)), not, "path");
    }

    function test_two_leaves_of_an_old_receipt_are_too_old() public {
        (bytes memory evidence, ) = twoLeaves(leafOf(1, 1), leafOf(1, 2), nodeKeys[0]);
        toRound(FIRST_ROUND + 14);
        check(1, evidence);
        toRound(FIRST_ROUND + 15);
        refuses(1, evidence, FaultVerifier.StatuteExpired.selector, "fifteen rounds");
    }

    // ------------------------------------------------------------------------------------------------------- O1, two windows

    function windowOf(bytes32 root) internal view returns (Digests.WindowRoot memory) {
        return Digests.WindowRoot(node(0), 77, root, 5, uint64(block.timestamp));
    }

    function twoWindows(
        Digests.WindowRoot memory a,
        uint256 keyA,
        Digests.WindowRoot memory b,
        uint256 keyB
    ) internal view returns (bytes memory) {
        bytes memory signatureA = sign(keyA, Digests.digest(address(anchor), Digests.hash(a)));
        bytes memory signatureB = sign(keyB, Digests.digest(address(anchor), Digests.hash(b)));
        return abi.encode(uint8(2), abi.encode(a, signatureA, b, signatureB));
    }

    function test_two_roots_of_one_window_are_a_fault() public view {
        uint256 key = nodeKeys[0];
        (Digests.WindowRoot memory a, Digests.WindowRoot memory b) = (windowOf("a"), windowOf("b"));
        IFaultVerifier.Fault memory fault = check(1, twoWindows(a, key, b, key));
        eq(fault.faultId, keccak256(abi.encode("faultId", uint8(1), node(0), uint256(77))), "faultId");
        eq(fault.receiptDigest, 0, "no receipt");
        eq(fault.transcoder, node(0), "transcoder");
        refuses(1, twoWindows(b, key, a, key), FaultVerifier.NotAscending.selector, "one proof, one encoding");
        b.root = a.root;
        b.count = 6;
        b.closedAt += 1;
        refuses(1, twoWindows(a, key, b, key), FaultVerifier.NoContradiction.selector, "one root");
        b = windowOf("b");
        b.windowId = 78;
        refuses(1, twoWindows(a, key, b, key), FaultVerifier.DifferentWindows.selector, "two windows");
        b = windowOf("b");
        b.transcoder = node(1);
        refuses(1, twoWindows(a, key, b, nodeKeys[1]), FaultVerifier.DifferentTranscoders.selector, "two nodes");
        b = windowOf("b");
        refuses(1, twoWindows(a, KEY, b, key), FaultVerifier.NotSigner.selector, "first signer");
        refuses(1, twoWindows(a, key, b, KEY), FaultVerifier.NotSigner.selector, "second signer");
    }

    function test_window_roots_age_by_time_from_the_newer_one() public {
        uint256 key = nodeKeys[0];
        (Digests.WindowRoot memory a, Digests.WindowRoot memory b) = (windowOf("a"), windowOf("b"));
        a.closedAt -= 1000;
        bytes memory evidence = twoWindows(a, key, b, key);
        (a.closedAt, b.closedAt) = (b.closedAt, a.closedAt);
        bytes memory turned = twoWindows(a, key, b, key);
        pass(14 * ROUND_SECONDS);
        check(1, evidence);
        check(1, turned);
        pass(1);
        refuses(1, evidence, FaultVerifier.WindowTooOld.selector, "too old");
        refuses(1, turned, FaultVerifier.WindowTooOld.selector, "too old, turned");
    }

    function test_a_key_revoked_within_the_statute_still_binds_windows() public {
        vm.prank(node(0));
        delegation.delegate(vm.addr(KEY), 1);
        vm.prank(node(0));
        delegation.revoke(vm.addr(KEY));
        toRound(FIRST_ROUND + 14);
        bytes memory evidence = twoWindows(windowOf("a"), KEY, windowOf("b"), KEY);
        check(1, evidence);
        toRound(FIRST_ROUND + 15);
        refuses(1, evidence, FaultVerifier.NotSigner.selector, "revoked before the statute");
    }

    function test_window_keys_of_later_rounds_do_not_bind() public {
        vm.prank(node(0));
        delegation.delegate(vm.addr(KEY), uint64(FIRST_ROUND) + 1);
        bytes memory evidence = twoWindows(windowOf("a"), KEY, windowOf("b"), nodeKeys[0]);
        refuses(1, evidence, FaultVerifier.NotSigner.selector, "span of tomorrow");
        toRound(FIRST_ROUND + 1);
        check(1, evidence);
    }

    function test_windows_prove_in_the_first_rounds_of_a_chain() public {
        vm.prank(node(0));
        delegation.delegate(vm.addr(KEY), 1);
        toRound(3);
        check(1, twoWindows(windowOf("a"), KEY, windowOf("b"), KEY));
    }

    // --------------------------------------------------------------------------------------------------------------------- O3

    function passThrough(
        Digests.TranscodeReceipt memory receipt,
        uint256 key,
        Digests.Rendition memory leaf
    ) internal view returns (bytes memory) {
        bytes32[] memory hashes = new bytes32[](2);
        (hashes[0], hashes[1]) = (Digests.leaf(leaf), keccak256("a second rung"));
        receipt.renditionsRoot = rootOf(hashes);
        return abi.encode(receipt, signReceipt(key, receipt), leaf, pathOf(hashes, 0));
    }

    function test_the_source_given_back_is_a_fault() public {
        Digests.TranscodeReceipt memory receipt = receiptOf(0, 3);
        Digests.Rendition memory leaf = leafOf(0, 3);
        leaf.contentHash = receipt.sourceHash;
        bytes memory evidence = passThrough(receipt, nodeKeys[0], leaf);
        IFaultVerifier.Fault memory fault = check(3, evidence);
        eq(fault.faultId, keccak256(abi.encode("faultId", uint8(3), node(0), digestOf(receipt))), "faultId");
        eq(fault.transcoder, node(0), "transcoder");
        eq(fault.receiptDigest, digestOf(receipt), "digest");
        toRound(FIRST_ROUND + 14);
        check(3, evidence);
        toRound(FIRST_ROUND + 15);
        refuses(3, evidence, FaultVerifier.StatuteExpired.selector, "fifteen rounds");
    }

    function test_pass_through_needs_the_receipts_own_leaf_and_signer() public view {
        Digests.TranscodeReceipt memory receipt = receiptOf(0, 3);
        Digests.Rendition memory leaf = leafOf(0, 3);
        refuses(3, passThrough(receipt, nodeKeys[0], leaf), FaultVerifier.NotPassThrough.selector, "honest work");
        leaf.contentHash = receipt.sourceHash;
        refuses(3, passThrough(receipt, KEY, leaf), FaultVerifier.NotSigner.selector, "signer");
        passThrough(receipt, nodeKeys[0], leafOf(1, 1));
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        refuses(3, abi.encode(receipt, signature, leaf, new bytes32[](0)), FaultVerifier.NotUnderRoot.selector, "foreign leaf");
    }

    // ---------------------------------------------------------------------------------------------------------------- everything

    function testFuzz_only_o_classes_are_objective(uint8 faultClass) public view {
        if (faultClass >= 1 && faultClass <= 6) return;
        refuses(faultClass, "", FaultVerifier.UnsupportedClass.selector, "class");
    }

    function testFuzz_o1_has_three_variants(uint8 variant) public view {
        if (variant <= 2) return;
        refuses(1, abi.encode(variant, bytes("")), FaultVerifier.UnknownVariant.selector, "variant");
    }

    /// @dev Honest transcripts: any two receipts that differ in order, or agree in what counts, prove nothing.
    function testFuzz_honest_receipts_prove_nothing(uint256 salt, uint64 later, uint64 round, bytes32 root) public view {
        Digests.TranscodeReceipt memory a = receiptOf(0, salt);
        Digests.TranscodeReceipt memory b = receiptOf(0, salt);
        b.completedAt = later;
        b.round = round;
        b.fingerprintRoot = root;
        refuses(1, twoReceipts(a, b), FaultVerifier.NoContradiction.selector, "retry");
        b = receiptOf(0, salt ^ 1);
        refuses(1, twoReceipts(a, b), FaultVerifier.DifferentOrders.selector, "next segment");
    }

    /// @dev One bit anywhere in a good proof's receipt, and it is no proof.
    function testFuzz_a_turned_bit_is_no_proof(uint256 word, uint256 bit) public view {
        (Digests.TranscodeReceipt memory a, Digests.TranscodeReceipt memory b) = contradiction();
        if (digestOf(a) > digestOf(b)) (a, b) = (b, a);
        bytes memory signatureA = signReceipt(nodeKeys[0], a);
        bytes memory signatureB = signReceipt(nodeKeys[0], b);
        check(1, raw(a, signatureA, b, signatureB));
        word = bound(word, 0, 10);
        bit = bound(bit, 0, word == 1 || word == 2 ? 159 : word == 4 || word >= 9 ? 63 : 255);
        assembly ("memory-safe") {
            let at_ := add(a, mul(word, 32))
            mstore(at_, xor(mload(at_), shl(bit, 1)))
        }
        bytes memory data = abi.encodeCall(faults.checkObjective, (uint8(1), raw(a, signatureA, b, signatureB)));
        isTrue(errorOf(address(faults), data) != 0, "accepted");
    }
}
