// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Digests} from "contracts/Digests.sol";
import {FaultVerifier} from "contracts/FaultVerifier.sol";
import {FishermanVerifier} from "contracts/FishermanVerifier.sol";
import {IConvictions} from "contracts/IConvictions.sol";
import {MultisigDecoderOracle} from "contracts/MultisigDecoderOracle.sol";
import {SecurityDeposit} from "contracts/SecurityDeposit.sol";
import {Court} from "./Court.sol";

/// @title The life of a case, and where its money goes
contract CasesTest is Court {
    address internal finder = address(0xf1);
    /// @dev where the version stands in the data of `open`: behind length, selector and 23 words.
    uint256 private constant VERSION_AT = 32 + 4 + 23 * 32;

    // ----------------------------------------------------------------------------------------------------------------- opening

    function test_open_freezes_the_deposit_and_takes_the_bond() public {
        vm.prank(node(0));
        deposit.thaw(1000 * TOKEN);
        pass(21 days);
        toRound(FIRST_ROUND);
        uint256 before = token.balanceOf(address(verifier));
        bytes32 faultId = openCase(0, 0, 1);
        isState(faultId, FishermanVerifier.CaseState.Open, "open");
        isTrue(deposit.isFrozen(node(0)), "frozen");
        eq(token.balanceOf(address(verifier)), before + 25 * TOKEN, "bond");
        FishermanVerifier.Case memory c = verifier.caseOf(faultId);
        eq(c.answerUntil, block.timestamp + 1 days, "24 h to answer");
        eq(c.expiresAt, block.timestamp + 7 days, "7 days in all");
        eq(c.claimant, member(0), "opener");
        eq(c.amount, 25 * TOKEN, "bond");
        eq(c.inputsOrSigners, evidenceHashOf(accusedReceipt(0, 1), 1), "the contract names the inputs itself");
    }

    function test_only_active_members_open() public {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(0, 1);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        vm.prank(stranger);
        fails(FishermanVerifier.NotMember.selector);
        callOpen(D2, receipt, signature, 1);
        vm.prank(member(0));
        registry.requestExit();
        vm.prank(member(0));
        fails(FishermanVerifier.NotMember.selector);
        callOpen(D2, receipt, signature, 1);
    }

    function test_an_accusation_is_about_a_receipt_of_the_accused_in_time() public {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(0, 1);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        bytes memory foreign = signReceipt(nodeKeys[1], receipt);
        vm.startPrank(member(0));
        fails(FaultVerifier.NotSigner.selector);
        callOpen(D2, receipt, foreign, 1);
        fails(FaultVerifier.BadSignature.selector);
        callOpen(D2, receipt, malleate(signature), 1);
        fails(FaultVerifier.UnsupportedClass.selector);
        callOpen(16, receipt, signature, 1);
        fails(FaultVerifier.UnsupportedClass.selector);
        callOpen(20, receipt, signature, 1);
        fails(FaultVerifier.UnsupportedClass.selector);
        callOpen(3, receipt, signature, 1);
        vm.stopPrank();
        toRound(FIRST_ROUND + 15);
        vm.prank(member(0));
        fails(FaultVerifier.StatuteExpired.selector);
        callOpen(D2, receipt, signature, 1);
        toRound(FIRST_ROUND + 14);
        openCase(0, 0, 1);
    }

    function test_all_d_classes_open_and_each_once() public {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(0, 1);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        give(member(0), 100 * TOKEN);
        vm.startPrank(member(0));
        token.approve(address(verifier), 100 * TOKEN);
        for (uint8 c = 17; c <= 19; c++) callOpen(c, receipt, signature, 1);
        fails(FishermanVerifier.AlreadyUsed.selector);
        callOpen(17, receipt, signature, 1);
        vm.stopPrank();
    }

    function test_without_the_bond_nothing_opens() public {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(0, 1);
        bytes memory signature = signReceipt(nodeKeys[0], receipt);
        vm.prank(member(0));
        vm.expectRevert();
        callOpen(D2, receipt, signature, 1);
        isTrue(!deposit.isFrozen(node(0)), "not frozen");
    }

    /// @dev It thaws in store, cheats, and wants to leave before anybody accuses it.
    function test_whoever_thawed_in_store_cannot_leave_before_the_first_case() public {
        vm.prank(node(0));
        deposit.thaw(1000 * TOKEN);
        pass(30 days);
        toRound(FIRST_ROUND + 40);
        Digests.TranscodeReceipt memory receipt = receiptOf(0, 1);
        receipt.renditionsRoot = rootOf(rungHashes(1));
        eq(deposit.securityOf(node(0)), 1000 * TOKEN, "what stands behind its work");
        vm.prank(node(0));
        fails(SecurityDeposit.ThawLapsed.selector);
        deposit.withdraw();
        vm.prank(node(0));
        deposit.thaw(1000 * TOKEN);
        // The statute's last moment: the receipt can be accused, and the deposit is there until the case ends.
        toRound(receipt.round + 14);
        give(member(0), 25 * TOKEN);
        vm.prank(member(0));
        token.approve(address(verifier), 25 * TOKEN);
        vm.prank(member(0));
        callOpen(D2, receipt, signReceipt(nodeKeys[0], receipt), 1);
        pass(7 days);
        vm.prank(node(0));
        fails(SecurityDeposit.DepositFrozen.selector);
        deposit.withdraw();
    }

    // ------------------------------------------------------------------------------------------------------------------ versions

    function openWith(uint32 version, uint256 salt) internal view returns (bytes memory data) {
        Digests.TranscodeReceipt memory receipt = accusedReceipt(0, salt);
        data = openData(D2, receipt, signReceipt(nodeKeys[0], receipt), salt);
        assembly ("memory-safe") {
            mstore(add(data, VERSION_AT), version)
        }
    }

    function opensWith(uint32 version, uint256 salt) internal returns (bytes4) {
        give(member(0), 25 * TOKEN);
        vm.startPrank(member(0));
        token.approve(address(verifier), 25 * TOKEN);
        (bool ok, bytes memory reason) = address(verifier).call(openWith(version, salt));
        vm.stopPrank();
        return ok ? bytes4(0) : bytes4(reason);
    }

    function changeVersion(uint32 version) internal {
        vm.prank(governor);
        verifier.announce("verdictVersion", version);
        pass(7 days);
        verifier.applyChange("verdictVersion");
    }

    bytes4 internal constant NOT_IN_FORCE = FishermanVerifier.VerdictVersionNotInForce.selector;

    /// @dev Nobody judges by it, so nobody could reject the case: it would shield the receipt until it expires.
    function testFuzz_a_version_that_nobody_judges_by_opens_nothing(uint32 version) public {
        if (version == VERSION || version == 0) version = 99;
        eq(opensWith(version, 1), NOT_IN_FORCE, "foreign");
        eq(opensWith(VERSION - 1, 1), NOT_IN_FORCE, "older");
        eq(opensWith(VERSION + 1, 1), NOT_IN_FORCE, "newer");
        isTrue(!deposit.isFrozen(node(0)), "free");
        eq(opensWith(VERSION, 1), 0, "the one in force");
    }

    function test_the_version_before_opens_cases_for_three_days_more() public {
        vm.prank(governor);
        verifier.announce("verdictVersion", VERSION + 1);
        eq(opensWith(VERSION + 1, 1), NOT_IN_FORCE, "only announced");
        pass(7 days);
        verifier.applyChange("verdictVersion");
        eq(opensWith(VERSION + 1, 1), 0, "the new one, at once");
        eq(opensWith(VERSION, 2), 0, "the one before");
        eq(opensWith(0, 3), FaultVerifier.ZeroVerdictVersion.selector, "none");
        pass(3 days - 1);
        eq(opensWith(VERSION, 3), 0, "in its last second");
        pass(1);
        eq(opensWith(VERSION, 4), NOT_IN_FORCE, "over");
        eq(opensWith(VERSION + 1, 4), 0, "the new one");
    }

    function test_two_changes_leave_the_newer_two_versions_in_force() public {
        changeVersion(VERSION + 1);
        changeVersion(VERSION + 2);
        isTrue(!verifier.isInForce(VERSION), "two before");
        isTrue(verifier.isInForce(VERSION + 1), "one before");
        isTrue(verifier.isInForce(VERSION + 2), "the newest");
    }

    function test_a_case_is_decided_by_the_version_that_it_was_opened_with() public {
        vm.prank(governor);
        verifier.announce("verdictVersion", VERSION + 1);
        pass(7 days);
        bytes32 convicted = openCase(0, 0, 1);
        bytes32 rejected = openCase(1, 0, 2);
        verifier.applyChange("verdictVersion");
        pass(4 days);
        isTrue(!verifier.isInForce(VERSION), "out of force");
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        verifier.convict(D2, verdictOf(0, 1, vote, sharesOf(vote, 4)));
        isState(convicted, FishermanVerifier.CaseState.Convicted, "convicted");
        verifier.reject(dismissalOf(0, 2, 0, 4));
        isState(rejected, FishermanVerifier.CaseState.Rejected, "rejected");
    }

    /// @dev All that a case is about is under the accused's signature, or is the version: whatever is changed, nothing opens.
    function testFuzz_no_word_of_an_accusation_can_be_made_up(uint256 seed) public {
        bytes memory data = openWith(VERSION, 1);
        // Class, receipt (11 words), place of its signature, leaf (9), place of its path, version. The class is what is claimed, and the
        // places name no inputs.
        uint256 word = seed % 21;
        uint256 position = word == 20 ? 23 : word < 11 ? 1 + word : 2 + word;
        // Low bits, which every type has: a value that is none of its type would be refused for that.
        uint256 bit = (seed >> 8) % 16;
        assembly ("memory-safe") {
            let place := add(data, add(36, mul(position, 32)))
            mstore(place, xor(mload(place), shl(bit, 1)))
        }
        give(member(0), 25 * TOKEN);
        vm.startPrank(member(0));
        token.approve(address(verifier), 25 * TOKEN);
        (bool ok, ) = address(verifier).call(data);
        vm.stopPrank();
        isTrue(!ok, "opened about something else");
    }

    // --------------------------------------------------------------------------------------------------------------- answering

    function test_the_accused_answers_once_within_a_day() public {
        bytes32 faultId = openCase(0, 0, 1);
        vm.prank(stranger);
        fails(FishermanVerifier.NotAccused.selector);
        verifier.answer(faultId, keccak256("rebuttal"));
        vm.prank(member(0));
        fails(FishermanVerifier.NotAccused.selector);
        verifier.answer(faultId, keccak256("rebuttal"));
        pass(1 days - 1);
        vm.prank(node(0));
        verifier.answer(faultId, keccak256("rebuttal"));
        isState(faultId, FishermanVerifier.CaseState.Answered, "answered");
        vm.prank(node(0));
        fails(FishermanVerifier.NoOpenCase.selector);
        verifier.answer(faultId, keccak256("again"));
    }

    function test_an_answer_after_a_day_is_late() public {
        bytes32 faultId = openCase(0, 0, 1);
        pass(1 days);
        vm.prank(node(0));
        fails(FishermanVerifier.AnswerWindowOver.selector);
        verifier.answer(faultId, keccak256("rebuttal"));
    }

    function test_a_key_of_the_accused_may_answer() public {
        vm.prank(node(0));
        delegation.delegate(address(0x4321), 1);
        bytes32 faultId = openCase(0, 0, 1);
        vm.prank(address(0x4321));
        verifier.answer(faultId, keccak256("rebuttal"));
    }

    // -------------------------------------------------------------------------------------------------------------- convicting

    function test_nobody_convicts_while_the_accused_may_answer() public {
        bytes32 faultId = openCase(0, 0, 1);
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        bytes memory evidence = verdictOf(0, 1, vote, sharesOf(vote, 4));
        pass(1 days - 1);
        fails(FishermanVerifier.AnswerWindowOpen.selector);
        verifier.convict(D2, evidence);
        pass(1);
        verifier.convict(D2, evidence);
        isState(faultId, FishermanVerifier.CaseState.Convicted, "convicted");
    }

    function test_nobody_convicts_without_a_case_or_after_it() public {
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        bytes memory evidence = verdictOf(0, 1, vote, sharesOf(vote, 4));
        fails(FishermanVerifier.NoOpenCase.selector);
        verifier.convict(D2, evidence);
        bytes32 faultId = openCase(0, 0, 1);
        pass(7 days);
        fails(FishermanVerifier.CaseOver.selector);
        verifier.convict(D2, evidence);
        vm.warp(block.timestamp - 1);
        verifier.convict(D2, evidence);
        fails(FishermanVerifier.NoOpenCase.selector);
        verifier.convict(D2, evidence);
        fails(FishermanVerifier.NoOpenCase.selector);
        verifier.expire(faultId);
    }

    function test_a_conviction_takes_one_percent_and_gives_the_bond_back() public {
        bytes32 faultId = convictNode(0, 0, 1);
        eq(verifier.caseOf(faultId).amount, 10 * TOKEN, "1 % of 1,000");
        eq(deposit.stakeOf(node(0)), 990 * TOKEN, "left");
        eq(token.balanceOf(member(0)), 25 * TOKEN, "bond back");
        eq(token.balanceOf(address(verifier)), 10 * TOKEN, "held");
        isTrue(!deposit.isFrozen(node(0)), "free again");
        isTrue(verifier.isConvicted(faultId), "isConvicted");
    }

    function test_an_answered_case_is_convicted_all_the_same() public {
        bytes32 faultId = openCase(0, 0, 1);
        vm.prank(node(0));
        verifier.answer(faultId, keccak256("rebuttal"));
        pass(1 days);
        Digests.ConvictionVote memory vote = voteOf(0, 1);
        verifier.convict(D2, verdictOf(0, 1, vote, sharesOf(vote, 3)));
        isTrue(verifier.isConvicted(faultId), "convicted");
    }

    // ----------------------------------------------------------------------------------------------------------------- expiring

    function test_a_case_that_nobody_convicts_ends_after_seven_days() public {
        bytes32 faultId = openCase(0, 0, 1);
        pass(7 days - 1);
        fails(FishermanVerifier.CaseNotOver.selector);
        verifier.expire(faultId);
        pass(1);
        verifier.expire(faultId);
        eq(token.balanceOf(member(0)), 25 * TOKEN, "bond back");
        isTrue(!deposit.isFrozen(node(0)), "free");
        isTrue(!verifier.isConvicted(faultId), "nobody was convicted");
        fails(FishermanVerifier.NoOpenCase.selector);
        verifier.expire(faultId);
        eq(token.balanceOf(address(verifier)), 0, "nothing held");
    }

    function test_two_cases_hold_until_both_end() public {
        bytes32 first = openCase(0, 0, 1);
        pass(1 days);
        openCase(1, 0, 2);
        pass(6 days);
        verifier.expire(first);
        isTrue(deposit.isFrozen(node(0)), "the second still holds");
        vm.prank(node(0));
        fails(SecurityDeposit.DepositFrozen.selector);
        deposit.withdraw();
    }

    // ------------------------------------------------------------------------------------------------------- settling, appealing

    function test_a_tenth_goes_to_the_finder_after_fourteen_days() public {
        bytes32 faultId = proveBy(finder, 0, 1);
        eq(verifier.caseOf(faultId).amount, 30 * TOKEN, "3 % of 1,000");
        pass(14 days - 1);
        fails(FishermanVerifier.AppealWindowOpen.selector);
        verifier.settle(faultId);
        pass(1);
        verifier.settle(faultId);
        eq(token.balanceOf(finder), 3 * TOKEN, "finder");
        eq(token.balanceOf(treasury), 27 * TOKEN, "treasury");
        isTrue(verifier.isConvicted(faultId), "still convicted");
        fails(FishermanVerifier.NotConvicted.selector);
        verifier.settle(faultId);
        fails(FishermanVerifier.NotConvicted.selector);
        verifier.appeal(faultId);
    }

    function test_an_overturned_conviction_is_refunded_whole() public {
        bytes32 faultId = proveBy(finder, 0, 1);
        fails(FishermanVerifier.NotOverturned.selector);
        verifier.appeal(faultId);
        vm.prank(judge);
        oracle.overturn(faultId);
        pass(14 days);
        fails(FishermanVerifier.IsOverturned.selector);
        verifier.settle(faultId);
        verifier.appeal(faultId);
        eq(token.balanceOf(node(0)), 30 * TOKEN, "whole");
        isTrue(!verifier.isConvicted(faultId), "not convicted any more");
        fails(FishermanVerifier.NotConvicted.selector);
        verifier.appeal(faultId);
        eq(verifier.convictionsOf(node(0), 0).length, 0, "not in the list");
    }

    function test_a_deadline_is_kept_whatever_changes() public {
        bytes32 faultId = openCase(0, 0, 1);
        vm.prank(governor);
        verifier.announce("openBond", 99 * TOKEN);
        pass(7 days);
        verifier.applyChange("openBond");
        verifier.expire(faultId);
        eq(token.balanceOf(member(0)), 25 * TOKEN, "the bond that it was opened with");
    }

    function test_convictions_are_listed_from_a_round_on_newest_first() public {
        bytes32 a = proveBy(finder, 0, 1);
        toRound(FIRST_ROUND + 2);
        bytes32 b = proveBy(finder, 0, 2);
        bytes32 c = proveBy(finder, 0, 3);
        bytes32[] memory list = verifier.convictionsOf(node(0), FIRST_ROUND);
        eq(list.length, 3, "all");
        eq(list[0], c, "newest");
        eq(list[1], b, "then");
        eq(list[2], a, "oldest");
        eq(verifier.convictionsOf(node(0), FIRST_ROUND + 1).length, 2, "since the next round");
        eq(verifier.convictionsOf(node(0), FIRST_ROUND + 2).length, 2, "since their own round");
        eq(verifier.convictionsOf(node(0), FIRST_ROUND + 3).length, 0, "later");
        eq(verifier.convictionsOf(node(1), 0).length, 0, "another node");
        vm.prank(judge);
        oracle.overturn(b);
        verifier.appeal(b);
        list = verifier.convictionsOf(node(0), 0);
        eq(list.length, 2, "without the overturned one");
        eq(list[0], c, "newest");
        eq(list[1], a, "oldest");
    }

    function test_the_event_names_the_amount_that_was_really_taken() public {
        (bytes memory evidence, bytes32 faultId) = passThroughOf(0, 1);
        (Digests.TranscodeReceipt memory receipt, , , ) = abi.decode(
            evidence,
            (Digests.TranscodeReceipt, bytes, Digests.Rendition, bytes32[])
        );
        vm.prank(finder);
        verifier.commit(commitmentOf(finder, faultId, 0));
        pass(5);
        vm.expectEmit();
        emit IConvictions.Convicted(faultId, node(0), 3, finder, 30 * TOKEN, digestOf(receipt));
        vm.prank(finder);
        verifier.reveal(3, evidence, 0);
    }

    // -------------------------------------------------------------------------------------------------------------------- oracle

    function test_the_oracle_counts_each_member_once() public {
        address[] memory judges = new address[](3);
        (judges[0], judges[1], judges[2]) = (address(1), address(2), address(3));
        MultisigDecoderOracle court = new MultisigDecoderOracle(judges, 2);
        vm.prank(address(4));
        fails(MultisigDecoderOracle.NotMember.selector);
        court.overturn(0);
        vm.prank(address(1));
        court.overturn(0);
        isTrue(!court.isOverturned(0), "one of two");
        vm.prank(address(1));
        fails(MultisigDecoderOracle.AlreadyVoted.selector);
        court.overturn(0);
        vm.prank(address(3));
        court.overturn(0);
        isTrue(court.isOverturned(0), "two of two");
        isTrue(!court.isOverturned(bytes32(uint256(1))), "another fault");
        judges[2] = address(1);
        fails(MultisigDecoderOracle.DuplicateMember.selector);
        new MultisigDecoderOracle(judges, 2);
        fails(MultisigDecoderOracle.InvalidThreshold.selector);
        new MultisigDecoderOracle(judges, 0);
        fails(MultisigDecoderOracle.InvalidThreshold.selector);
        new MultisigDecoderOracle(judges, 4);
    }
}
