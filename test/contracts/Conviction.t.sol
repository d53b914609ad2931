// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Digests} from "contracts/Digests.sol";
import {FaultVerifier} from "contracts/FaultVerifier.sol";
import {FishermanRegistry} from "contracts/FishermanRegistry.sol";
import {IFaultVerifier} from "contracts/IFaultVerifier.sol";
import {Court} from "./Court.sol";

/// @title The votes of a conviction, as FaultVerifier counts them
contract ConvictionTest is Court {
    function refuses(uint8 faultClass, bytes memory evidence, bytes4 selector, string memory what) internal view {
        bytes4 got = errorOf(address(faults), abi.encodeCall(faults.checkConviction, (faultClass, evidence)));
        eq(bytes32(got), bytes32(selector), what);
    }

    function refusesVote(Digests.ConvictionVote memory vote, bytes4 selector, string memory what) internal view {
        refuses(D2, verdictOf(0, 1, vote, sharesOf(vote, 4)), selector, what);
    }

    function accepts(Digests.ConvictionVote memory vote, FaultVerifier.VoteShare[] memory shares) internal view {
        IFaultVerifier.Outcome memory outcome = faults.checkConviction(D2, verdictOf(0, 1, vote, shares));
        (IFaultVerifier.Fault memory fault, address finder) = (outcome.fault, outcome.finder);
        eq(outcome.evidenceHash, vote.evidenceHash, "inputs");
        bytes memory signers;
        for (uint256 i = 0; i < shares.length; i++) signers = abi.encodePacked(signers, bytes32(uint256(uint160(member(i)))));
        eq(outcome.signersHash, keccak256(signers), "signers");
        eq(fault.faultId, caseId(0, 1), "faultId");
        eq(fault.transcoder, node(0), "transcoder");
        eq(fault.receiptDigest, digestOf(accusedReceipt(0, 1)), "digest");
        eq(finder, member(0), "finder");
    }

    function test_three_of_four_convict() public view {
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        accepts(vote, sharesOf(vote, 4));
        accepts(vote, sharesOf(vote, 3));
        refuses(D2, verdictOf(0, 1, vote, sharesOf(vote, 2)), FaultVerifier.TooFewVotes.selector, "two");
        refuses(D2, verdictOf(0, 1, vote, sharesOf(vote, 0)), FaultVerifier.TooFewVotes.selector, "none");
    }

    function test_each_field_of_the_vote_is_checked() public view {
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        vote.faultClass = 17;
        refusesVote(vote, FaultVerifier.WrongVoteClass.selector, "class");
        vote = voteOf(0, 1);
        vote.receiptDigest = keccak256("other");
        refusesVote(vote, FaultVerifier.WrongVoteReceipt.selector, "receipt");
        vote = voteOf(0, 1);
        vote.transcoder = node(1);
        refusesVote(vote, FaultVerifier.WrongVoteTranscoder.selector, "transcoder");
        vote = voteOf(0, 1);
        vote.faultId = keccak256("other");
        refusesVote(vote, FaultVerifier.WrongFaultId.selector, "faultId");
        vote = voteOf(0, 1);
        FaultVerifier.VoteShare[] memory shares = sharesOf(vote, 4);
        vote.workCommit = bytes32(uint256(1));
        refuses(D2, verdictOf(0, 1, vote, shares), FaultVerifier.WrongWorkCommit.selector, "shared workCommit");
        vote = voteOf(0, 1);
        vote.verdictVersion = 0;
        refusesVote(vote, FaultVerifier.ZeroVerdictVersion.selector, "version");
        vote = voteOf(0, 1);
        vote.finder = address(0);
        refusesVote(vote, FaultVerifier.ZeroFinder.selector, "finder");
        vote = voteOf(0, 1);
        vote.deadline = uint64(block.timestamp) - 1;
        refusesVote(vote, FaultVerifier.VoteExpired.selector, "deadline");
        vote.deadline = uint64(block.timestamp);
        accepts(vote, sharesOf(vote, 3));
    }

    function test_a_vote_that_was_signed_otherwise_is_somebody_elses() public view {
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        FaultVerifier.VoteShare[] memory shares = sharesOf(vote, 4);
        vote.evidenceHash = keccak256("other evidence");
        bytes4 got = errorOf(
            address(faults),
            abi.encodeCall(faults.checkConviction, (D2, verdictOf(0, 1, vote, shares)))
        );
        isTrue(
            got == FishermanRegistry.NotActiveMember.selector || got == FaultVerifier.SignersNotAscending.selector,
            "evidenceHash"
        );
    }

    function test_every_share_has_its_own_work() public view {
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        FaultVerifier.VoteShare[] memory shares = sharesOf(vote, 4);
        shares[3] = shareWith(vote, memberKeys[3], 0);
        refuses(D2, verdictOf(0, 1, vote, shares), FaultVerifier.WrongWorkCommit.selector, "zero workCommit");
    }

    function test_signers_ascend_and_count_once() public view {
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        FaultVerifier.VoteShare[] memory shares = sharesOf(vote, 4);
        (shares[0], shares[1]) = (shares[1], shares[0]);
        refuses(D2, verdictOf(0, 1, vote, shares), FaultVerifier.SignersNotAscending.selector, "turned");
        shares = sharesOf(vote, 4);
        shares[3] = shares[2];
        refuses(D2, verdictOf(0, 1, vote, shares), FaultVerifier.SignersNotAscending.selector, "twice");
    }

    function test_only_active_members_count() public {
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        FaultVerifier.VoteShare[] memory shares = sharesOf(vote, 4);
        vm.prank(member(3));
        registry.requestExit();
        refuses(D2, verdictOf(0, 1, vote, shares), FishermanRegistry.NotActiveMember.selector, "leaving");
        accepts(vote, sharesOf(vote, 3));
        uint256 key = 0xabcdef;
        join(vm.addr(key), 1000 * TOKEN);
        shares = new FaultVerifier.VoteShare[](4);
        uint256 j;
        bool placed;
        for (uint256 i = 0; i < 4; i++) {
            if (!placed && (j == 3 || vm.addr(key) < member(j))) {
                shares[i] = shareOf(vote, key);
                placed = true;
            } else shares[i] = shareOf(vote, memberKeys[j++]);
        }
        refuses(D2, verdictOf(0, 1, vote, shares), FishermanRegistry.NotActiveMember.selector, "not active yet");
    }

    function test_exactly_two_thirds_are_not_enough() public {
        join(address(0x5001), 500 * TOKEN);
        pass(120);
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        // 3,000 of 4,500 are two thirds exactly; a bond of one wei less elsewhere tips it.
        refuses(D2, verdictOf(0, 1, vote, sharesOf(vote, 3)), FaultVerifier.NoQuorum.selector, "two thirds");
        vm.prank(address(verifier));
        registry.penalise(address(0x5001), 1, treasury);
        accepts(vote, sharesOf(vote, 3));
    }

    function test_bad_signatures_of_receipt_and_shares() public view {
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        FaultVerifier.VoteShare[] memory shares = sharesOf(vote, 4);
        Digests.TranscodeReceipt memory receipt = accusedReceipt(0, 1);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        refuses(
            D2,
            abi.encode(receipt, malleate(signature), vote, shares),
            FaultVerifier.BadSignature.selector,
            "high s of the receipt"
        );
        refuses(
            D2,
            abi.encode(receipt, signReceipt(nodeKeys[1], receipt), vote, shares),
            FaultVerifier.NotSigner.selector,
            "not the node's receipt"
        );
        shares[1].r = 0;
        refuses(D2, verdictOf(0, 1, vote, shares), FaultVerifier.BadSignature.selector, "no point");
        shares = sharesOf(vote, 4);
        shares[2].vs = bytes32(CURVE_ORDER - uint256(shares[2].vs << 1 >> 1));
        // The compact form has no room for a high s: the bit means v, and the signature is somebody else's.
        bytes memory data = abi.encodeCall(faults.checkConviction, (D2, verdictOf(0, 1, vote, shares)));
        isTrue(errorOf(address(faults), data) != 0, "high s of a share");
    }

    function test_s_ends_at_half_the_order_of_the_curve() public view {
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        FaultVerifier.VoteShare[] memory shares = sharesOf(vote, 4);
        // Both are points of somebody unknown; the higher one is not even looked at.
        shares[0].vs = bytes32(CURVE_ORDER / 2 + 1);
        refuses(D2, verdictOf(0, 1, vote, shares), FaultVerifier.BadSignature.selector, "above half");
        shares[0].vs = bytes32(CURVE_ORDER / 2);
        bytes memory data = abi.encodeCall(faults.checkConviction, (D2, verdictOf(0, 1, vote, shares)));
        bytes4 got = errorOf(address(faults), data);
        isTrue(got != 0 && got != FaultVerifier.BadSignature.selector, "half is a signature, of a stranger");
    }

    function test_votes_that_the_evidence_does_not_hold_are_not_read() public view {
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        bytes memory evidence = verdictOf(0, 1, vote, sharesOf(vote, 4));
        bytes4 bare = 0xffffffff;
        // One byte less than the last vote needs.
        assembly ("memory-safe") {
            mstore(evidence, sub(mload(evidence), 1))
        }
        refuses(D2, evidence, bare, "cut");
        // One vote more than there is.
        evidence = verdictOf(0, 1, vote, sharesOf(vote, 4));
        assembly ("memory-safe") {
            let shares := add(add(evidence, 32), mload(add(evidence, mul(23, 32))))
            mstore(shares, 5)
        }
        refuses(D2, evidence, bare, "a fifth");
    }

    function testFuzz_only_d_classes_are_voted(uint8 faultClass) public view {
        if (faultClass >= 17 && faultClass <= 19) return;
        refuses(faultClass, "", FaultVerifier.UnsupportedClass.selector, "class");
    }

    function test_all_d_classes_convict() public view {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(0, 1);
        for (uint8 faultClass = 17; faultClass <= 19; faultClass++) {
            Digests.ConvictionVote memory vote = voteOf(0, 1);
            vote.faultClass = faultClass;
            vote.faultId = Digests.faultId(faultClass, node(0), digestOf(receipt));
            faults.checkConviction(faultClass, verdictOf(0, 1, vote, sharesOf(vote, 3)));
        }
    }

    function test_an_old_receipt_convicts_once_its_case_is_open() public {
        toRound(FIRST_ROUND + 20);
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        accepts(vote, sharesOf(vote, 3));
    }

    /// @dev The quorum is exactly "three or more, and more than two thirds".
    function testFuzz_quorum_is_weight_not_heads(uint256[4] memory bonds, uint256 signers) public {
        signers = bound(signers, 0, 4);
        uint256 mine;
        uint256 total;
        for (uint256 i = 0; i < 4; i++) {
            uint256 fine = bound(bonds[i], 0, 999 * TOKEN);
            vm.prank(address(verifier));
            registry.penalise(member(i), fine, treasury);
            uint256 weight = 1000 * TOKEN - fine;
            total += weight;
            if (i < signers) mine += weight;
        }
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        bytes memory data = abi.encodeCall(faults.checkConviction, (D2, verdictOf(0, 1, vote, sharesOf(vote, signers))));
        isTrue((errorOf(address(faults), data) == 0) == (signers >= 3 && mine * 3 > total * 2), "quorum");
    }
}
