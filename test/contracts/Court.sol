// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Digests} from "contracts/Digests.sol";
import {FaultVerifier} from "contracts/FaultVerifier.sol";
import {FishermanVerifier} from "contracts/FishermanVerifier.sol";
import {World} from "./World.sol";

/// @title Court: builds proofs, cases and votes
abstract contract Court is World {
    /// @dev All values of a reuse's evidence, in their order.
    struct ReuseEvidence {
        Digests.TranscodeReceipt a;
        bytes signatureA;
        Digests.Rendition leafA;
        bytes32[] pathA;
        Digests.TranscodeReceipt b;
        bytes signatureB;
        Digests.Rendition leafB;
        bytes32[] pathB;
        FaultVerifier.FramePair[] frames;
        Digests.Profile profile;
    }

    /// @dev Ten values at once are too many for the stack: they are encoded as one, and the place of that one is cut off.
    function encodeReuse(ReuseEvidence memory e) internal pure returns (bytes memory evidence) {
        evidence = abi.encode(e);
        assembly ("memory-safe") {
            let length := sub(mload(evidence), 32)
            evidence := add(evidence, 32)
            mstore(evidence, length)
        }
    }

    uint8 internal constant D2 = 18;
    /// @dev Renditions of every receipt that cases are about.
    uint16 internal constant RUNGS = 4;
    /// @dev the rendition that cases and votes of this salt are about; another one makes other inputs of the same receipt.
    mapping(uint256 salt => uint16) internal rungOf;

    /// @dev A pass-through of node `i`; every salt is another fault.
    function passThroughOf(
        uint256 i,
        uint256 salt
    ) internal view returns (bytes memory evidence, bytes32 faultId) {
        Digests.TranscodeReceipt memory receipt = receiptOf(i, salt);
        Digests.Rendition memory leaf = leafOf(0, salt);
        leaf.contentHash = receipt.sourceHash;
        receipt.renditionsRoot = Digests.leaf(leaf);
        evidence = abi.encode(receipt, signReceipt(nodeKeys[i], receipt), leaf, new bytes32[](0));
        faultId = Digests.faultId(3, receipt.transcoder, digestOf(receipt));
    }

    function proveBy(address who, uint256 i, uint256 salt) internal returns (bytes32 faultId) {
        bytes memory evidence;
        (evidence, faultId) = passThroughOf(i, salt);
        prove(who, 3, evidence, faultId);
    }

    /// @dev The receipt that cases against node `i` are about.
    function accusedReceipt(uint256 i, uint256 salt) internal view returns (Digests.TranscodeReceipt memory receipt) {
        receipt = receiptOf(i, salt);
        receipt.renditionsRoot = rootOf(rungHashes(salt));
        receipt.completedAt = 1_800_000_000;
        receipt.round = uint64(roundOfCase(salt));
    }

    function rungHashes(uint256 salt) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](RUNGS);
        for (uint16 i = 0; i < RUNGS; i++) hashes[i] = Digests.leaf(leafOf(i, salt));
    }

    function roundOfCase(uint256) internal view virtual returns (uint256) {
        return FIRST_ROUND;
    }

    function openCase(uint256 opener, uint256 i, uint256 salt) internal returns (bytes32 faultId) {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(i, salt);
        bytes memory signature = signReceipt(nodeKeys[i], receipt);
        give(member(opener), 25 * TOKEN);
        vm.prank(member(opener));
        token.approve(address(verifier), 25 * TOKEN);
        vm.prank(member(opener));
        callOpen(D2, receipt, signature, salt);
        return caseId(i, salt);
    }

    function callOpen(
        uint8 faultClass,
        Digests.TranscodeReceipt memory receipt,
        bytes memory signature,
        uint256 salt
    ) internal {
        (bool ok, bytes memory reason) = address(verifier).call(openData(faultClass, receipt, signature, salt));
        if (!ok) rethrow(reason);
    }

    function rethrow(bytes memory reason) internal pure {
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }

    function openData(
        uint8 faultClass,
        Digests.TranscodeReceipt memory receipt,
        bytes memory signature,
        uint256 salt
    ) internal view returns (bytes memory) {
        uint16 rung = rungOf[salt];
        bytes32[] memory path = pathOf(rungHashes(salt), rung);
        return abi.encodeCall(verifier.open, (faultClass, receipt, signature, leafOf(rung, salt), path, VERSION));
    }

    function evidenceHashOf(
        Digests.TranscodeReceipt memory receipt,
        uint256 salt
    ) internal view returns (bytes32) {
        uint16 rung = rungOf[salt];
        Digests.Rendition memory leaf = leafOf(rung, salt);
        return Digests.evidenceHash(digestOf(receipt), rung, receipt.sourceHash, leaf.contentHash, leaf.profileHash, VERSION);
    }

    function caseId(uint256 i, uint256 salt) internal view returns (bytes32) {
        return Digests.faultId(D2, node(i), digestOf(accusedReceipt(i, salt)));
    }

    function voteOf(uint256 i, uint256 salt) internal view returns (Digests.ConvictionVote memory) {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(i, salt);
        return
            Digests.ConvictionVote({
                faultId: caseId(i, salt),
                faultClass: D2,
                transcoder: node(i),
                receiptDigest: digestOf(receipt),
                rendition: rungOf[salt],
                evidenceHash: evidenceHashOf(receipt, salt),
                workCommit: 0,
                finder: member(0),
                verdictVersion: VERSION,
                deadline: uint64(block.timestamp + 30 days)
            });
    }

    function shareOf(
        Digests.ConvictionVote memory vote,
        uint256 key
    ) internal view returns (FaultVerifier.VoteShare memory) {
        bytes32 workCommit = keccak256(abi.encode("work of", key));
        return shareWith(vote, key, workCommit);
    }

    function shareWith(
        Digests.ConvictionVote memory vote,
        uint256 key,
        bytes32 workCommit
    ) internal view returns (FaultVerifier.VoteShare memory) {
        bytes32 before = vote.workCommit;
        vote.workCommit = workCommit;
        bytes32 digest = Digests.digest(address(anchor), Digests.hash(vote));
        vote.workCommit = before;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return FaultVerifier.VoteShare(workCommit, r, v == 28 ? bytes32(uint256(s) | (1 << 255)) : s);
    }

    function sharesOf(
        Digests.ConvictionVote memory vote,
        uint256 count
    ) internal view returns (FaultVerifier.VoteShare[] memory shares) {
        shares = new FaultVerifier.VoteShare[](count);
        for (uint256 i = 0; i < count; i++) shares[i] = shareOf(vote, memberKeys[i]);
    }

    function verdictOf(
        uint256 i,
        uint256 salt,
        Digests.ConvictionVote memory vote,
        FaultVerifier.VoteShare[] memory shares
    ) internal view returns (bytes memory) {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(i, salt);
        return abi.encode(receipt, signReceipt(nodeKeys[i], receipt), vote, shares);
    }

    /// @dev Opens, waits for the answer and convicts with all members.
    function convictNode(uint256 opener, uint256 i, uint256 salt) internal returns (bytes32 faultId) {
        faultId = openCase(opener, i, salt);
        pass(1 days);
        Digests.ConvictionVote memory vote = voteOf(i, salt);
        verifier.convict(D2, verdictOf(i, salt, vote, sharesOf(vote, MEMBERS)));
    }

    /// @dev Votes that end a case without a conviction: `said` 0 for no fault, 255 for no bytes.
    function dismissalOf(uint256 i, uint256 salt, uint8 said, uint256 count) internal view returns (bytes memory) {
        Digests.ConvictionVote memory vote = voteOf(i, salt);
        vote.faultClass = said;
        vote.finder = address(0);
        return verdictOf(i, salt, vote, sharesOf(vote, count));
    }

    function membersUpTo(uint256 count) internal view returns (address[] memory list) {
        list = new address[](count);
        for (uint256 i = 0; i < count; i++) list[i] = member(i);
    }

    function stateOf(bytes32 faultId) internal view returns (FishermanVerifier.CaseState) {
        return verifier.caseOf(faultId).state;
    }

    function isState(bytes32 faultId, FishermanVerifier.CaseState state, string memory what) internal view {
        eq(uint256(stateOf(faultId)), uint256(state), what);
    }
}
